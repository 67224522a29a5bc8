data "aws_region" "current" {}

locals {
  # The two have nothing in common but two volumes: files, which the role reads, and room for what it spills.
  containers = [
    {
      name                   = var.role
      image                  = var.image
      essential              = true
      command                = var.command
      user                   = var.user
      readonlyRootFilesystem = true
      stopTimeout            = var.stop_seconds
      environment = [
        for name, value in merge(var.environment, { TMPDIR = "/scratch" }) : { name = name, value = value } if value != null
      ]
      secrets = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
      mountPoints = [
        { sourceVolume = "inputs", containerPath = "/inputs", readOnly = true },
        { sourceVolume = "scratch", containerPath = "/scratch", readOnly = false },
      ]
      portMappings = [for group in var.target_groups : { containerPort = group.port, protocol = "tcp" }]
      dependsOn    = [{ containerName = "inputs", condition = "HEALTHY" }]
      # It lives; whether it reaches what it needs is no reason to kill it.
      healthCheck = {
        command     = ["CMD", "/usr/bin/plimsoll", "healthcheck"]
        interval    = 30
        timeout     = 10
        retries     = 3
        startPeriod = 120
      }
      linuxParameters = { capabilities = { drop = ["ALL"] } }
      ulimits         = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.this.name
          "awslogs-region"        = data.aws_region.current.name
          "awslogs-stream-prefix" = "task"
        }
      }
    },
    {
      name      = "inputs"
      image     = var.helper_image
      essential = true
      # Fargate makes volumes root's, so root fills them: without capabilities, and in a root file system it cannot write to.
      user                   = "0:0"
      readonlyRootFilesystem = true
      entryPoint             = ["/bin/sh", "-c"]
      command                = [file("${path.module}/inputs.sh")]
      stopTimeout            = 5
      environment = [
        { name = "HOME", value = "/scratch" },
        { name = "INPUTS_SECONDS", value = tostring(var.inputs_seconds) },
        { name = "INPUTS_SECRETS", value = join(" ", keys(var.secret_files)) },
        { name = "INPUTS_URL", value = var.inputs_url },
      ]
      secrets = [for name, arn in var.secret_files : { name = "INPUT_${name}", valueFrom = arn }]
      mountPoints = [
        { sourceVolume = "inputs", containerPath = "/inputs", readOnly = false },
        { sourceVolume = "scratch", containerPath = "/scratch", readOnly = false },
      ]
      healthCheck = {
        command     = ["CMD-SHELL", "test -e /inputs/.ready"]
        interval    = 10
        timeout     = 5
        retries     = 10
        startPeriod = 300
      }
      linuxParameters = { capabilities = { drop = ["ALL"] } }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.this.name
          "awslogs-region"        = data.aws_region.current.name
          "awslogs-stream-prefix" = "task"
        }
      }
    },
  ]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/plimsoll/${var.name}"
  retention_in_days = var.log_days

  tags = var.tags
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mib
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode(local.containers)

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  ephemeral_storage {
    size_in_gib = var.disk_gib
  }

  volume {
    name = "inputs"
  }

  volume {
    name = "scratch"
  }

  tags = var.tags
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = var.cluster.arn
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = var.tasks.min

  enable_execute_command             = false
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = length(var.target_groups) == 0 ? null : 600
  propagate_tags                     = "SERVICE"

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = var.spot_share == 100 ? 0 : 1
    weight            = 100 - var.spot_share
  }

  dynamic "capacity_provider_strategy" {
    for_each = var.spot_share == 0 ? [] : [var.spot_share]

    content {
      capacity_provider = "FARGATE_SPOT"
      weight            = capacity_provider_strategy.value
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = var.target_groups

    content {
      target_group_arn = load_balancer.value.arn
      container_name   = var.role
      container_port   = load_balancer.value.port
    }
  }

  tags = var.tags

  # How many there are is the business of scaling, within `tasks`.
  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  resource_id        = "service/${var.cluster.name}/${aws_ecs_service.this.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.tasks.min
  max_capacity       = var.tasks.max

  tags = var.tags
}
