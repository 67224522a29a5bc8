# Takes scans, resolves references and plans scans. It reads registries (manifests and configs) and publishes layers.

module "coordinator" {
  source = "./service"

  name    = "${var.name}-coordinator"
  role    = "coordinator"
  command = concat(["coordinator", "--tls-terminated-elsewhere"], local.networks, local.credentials)

  environment = merge(local.telemetry, {
    PLIMSOLL_STORE      = var.store.url
    PLIMSOLL_QUEUE      = var.queue.url
    PLIMSOLL_LISTEN     = "0.0.0.0:7465"
    PLIMSOLL_REGISTRIES = local.registries_url
    PLIMSOLL_EVENTS     = one(var.events[*].queue_url)
    PLIMSOLL_WEBHOOKS   = var.webhooks_secret_arn == null ? null : "/inputs/secrets/webhooks"
    PLIMSOLL_CRAWLS     = var.crawls_file == null ? null : "/inputs/${var.crawls_file}"
  })
  secrets = {
    PLIMSOLL_STATE = var.state.url_secret_arn
  }
  secret_files = merge(
    local.credential_files,
    var.webhooks_secret_arn == null ? {} : { webhooks = var.webhooks_secret_arn },
  )

  policy_json = data.aws_iam_policy_document.coordinator.json
  target_groups = concat(
    [{ arn = aws_lb_target_group.api.arn, port = 7465 }],
    [for group in aws_lb_target_group.webhooks : { arn = group.arn, port = 7466 }],
  )
  tasks        = { min = var.coordinator.tasks, max = var.coordinator.tasks }
  cpu          = var.coordinator.cpu
  memory_mib   = var.coordinator.memory_mib
  disk_gib     = var.coordinator.disk_gib
  stop_seconds = var.stop_seconds

  cluster           = { name = aws_ecs_cluster.this.name, arn = aws_ecs_cluster.this.arn }
  image             = var.image
  helper_image      = var.helper_image
  architecture      = var.architecture
  user              = var.user
  inputs_url        = "${local.inputs_url}/coordinator/"
  inputs_seconds    = var.inputs_seconds
  subnet_ids        = var.subnet_ids
  security_group_id = var.security_group_ids.coordinator
  kms_key_arns      = local.secret_keys
  log_days          = var.log_days
  tags              = var.tags

  depends_on = [aws_ecs_cluster_capacity_providers.this, aws_lb_listener.api, aws_lb_listener_rule.webhooks, aws_s3_object.registries]
}

data "aws_iam_policy_document" "coordinator" {
  source_policy_documents = [
    data.aws_iam_policy_document.inputs["coordinator"].json,
    data.aws_iam_policy_document.keys.json,
    data.aws_iam_policy_document.manifests.json,
  ]

  statement {
    sid       = "ListStore"
    actions   = ["s3:ListBucket"]
    resources = [var.store.bucket_arn]
  }

  # Documents of verdicts are what the API hands out.
  statement {
    sid       = "ReadStore"
    actions   = ["s3:GetObject"]
    resources = ["${var.store.bucket_arn}/${var.store.prefix}/*"]
  }

  # Evidence is touched when a plan comes to rely on it, which in S3 is a write.
  statement {
    sid     = "WriteStore"
    actions = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = [for kind in ["blobs/*", "configs/*", "format", "layers/*", "manifests/*"] :
      "${var.store.bucket_arn}/${var.store.prefix}/${kind}"
    ]
  }

  statement {
    sid     = "RemoveWhatIsDamaged"
    actions = ["s3:DeleteObject"]
    resources = [for kind in ["blobs/*", "configs/*", "manifests/*"] :
      "${var.store.bucket_arn}/${var.store.prefix}/${kind}"
    ]
  }

  statement {
    sid       = "PublishLayers"
    actions   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = var.queue.layer_queue_arns
  }

  dynamic "statement" {
    for_each = var.events[*]

    content {
      sid = "TakeEvents"
      actions = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
      ]
      resources = [statement.value.queue_arn]
    }
  }

  dynamic "statement" {
    for_each = var.events[*]

    content {
      sid       = "SetEventsAside"
      actions   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
      resources = [statement.value.dead_queue_arn]
    }
  }
}
