# TLS for the API. Behind it gRPC goes in the clear to the coordinators, within the security groups.

resource "aws_lb" "api" {
  name               = "${var.name}-api"
  load_balancer_type = "application"
  internal           = var.internal
  subnets            = var.subnet_ids
  security_groups    = [var.security_group_ids.load_balancer]

  # A stream that is followed says nothing for as long as nothing happens.
  idle_timeout = 4000

  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection

  tags = var.tags
}

resource "aws_lb_target_group" "api" {
  name             = "${var.name}-api"
  vpc_id           = var.vpc_id
  target_type      = "ip"
  protocol         = "HTTP"
  protocol_version = "GRPC"
  port             = 7465

  # Calls end within 30 seconds; streams are cut, and clients go on with another coordinator.
  deregistration_delay = 35

  health_check {
    path                = "/grpc.health.v1.Health/Check"
    matcher             = "0"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 4
  }

  tags = var.tags
}

# Registries post here by HTTP; nothing else that the roles serve beside gRPC is let through.
resource "aws_lb_target_group" "webhooks" {
  count = var.webhooks_secret_arn == null ? 0 : 1

  name                 = "${var.name}-webhooks"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = 7466
  deregistration_delay = 35

  health_check {
    path                = "/healthz"
    matcher             = "200"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 4
  }

  tags = var.tags
}

resource "aws_lb_listener_rule" "webhooks" {
  count = var.webhooks_secret_arn == null ? 0 : 1

  listener_arn = aws_lb_listener.api.arn
  priority     = 10

  condition {
    path_pattern {
      values = ["/webhooks/*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.webhooks[0].arn
  }

  tags = var.tags
}

resource "aws_lb_listener" "api" {
  load_balancer_arn = aws_lb.api.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.api.arn
  }

  tags = var.tags
}
