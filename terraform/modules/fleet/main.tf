locals {
  # What the roles are told alike. The test of this repository evaluates what a role is given, and calls the binary with it:
  # keep it made of variables and locals.
  telemetry = {
    PLIMSOLL_HTTP               = "0.0.0.0:7466"
    PLIMSOLL_LOG                = var.log_level
    PLIMSOLL_LOG_FORMAT         = "json"
    OTEL_EXPORTER_OTLP_ENDPOINT = var.otlp_endpoint
  }

  inputs_url = "s3://${var.store.bucket}/inputs"

  # Names of credentials may have a tenant in front, and their files may not have a slash.
  credential_files = { for name, arn in var.credentials : "credential_${replace(replace(lower(name), "/", "_of_"), "-", "_")}" => arn }
  credentials      = [for name, arn in var.credentials : "--credential=${name}=/inputs/secrets/credential_${replace(replace(lower(name), "/", "_of_"), "-", "_")}"]
  # Both roles that reach registries are told the same of them. The name has a hash of the content: roles read it once, so
  # another content has to be another task.
  registries      = yamlencode({ registries = var.registries })
  registries_file = length(var.registries) == 0 ? null : "registries-${substr(sha256(local.registries), 0, 12)}.yaml"
  registries_url  = local.registries_file == null ? null : "/inputs/${local.registries_file}"
  networks        = [for network in var.registry_cidrs : "--allow-network=${network}"]

  keys        = [for key in [var.store.kms_key_arn, var.queue.kms_key_arn] : key if key != null]
  secret_keys = concat([for key in [var.state.kms_key_arn] : key if key != null], var.secret_kms_key_arns)
}

resource "aws_s3_object" "registries" {
  for_each = local.registries_file == null ? toset([]) : toset(["coordinator", "worker"])

  bucket       = var.store.bucket
  key          = "inputs/${each.key}/${local.registries_file}"
  content      = local.registries
  content_type = "application/yaml"

  tags = var.tags

  # Tasks that are still there may be started anew and want the old one.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  # Counts running tasks, which workers are scaled by.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }

  tags = var.tags
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}
