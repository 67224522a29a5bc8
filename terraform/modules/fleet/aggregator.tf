# Takes results in, judges images, and posts callbacks. It may not log in to ECR: what it judges by is in the store.

module "aggregator" {
  source = "./service"

  name    = "${var.name}-aggregator"
  role    = "aggregator"
  command = concat(["aggregator"], [for file in var.allowlist_files : "--allowlist=/inputs/${file}"])

  environment = merge(local.telemetry, {
    PLIMSOLL_STORE                = var.store.url
    PLIMSOLL_QUEUE                = var.queue.url
    PLIMSOLL_DB                   = "/inputs/${var.knowledge_file}"
    PLIMSOLL_POLICY               = var.policy_file == null ? null : "/inputs/${var.policy_file}"
    PLIMSOLL_CALLBACK_SECRET_FILE = var.callback_secret_arn == null ? null : "/inputs/secrets/callback"
  })
  secrets = {
    PLIMSOLL_STATE = var.state.url_secret_arn
  }
  secret_files = var.callback_secret_arn == null ? {} : { callback = var.callback_secret_arn }

  policy_json  = data.aws_iam_policy_document.aggregator.json
  tasks        = { min = var.aggregator.tasks, max = var.aggregator.tasks }
  cpu          = var.aggregator.cpu
  memory_mib   = var.aggregator.memory_mib
  disk_gib     = var.aggregator.disk_gib
  stop_seconds = var.stop_seconds

  cluster           = { name = aws_ecs_cluster.this.name, arn = aws_ecs_cluster.this.arn }
  image             = var.image
  helper_image      = var.helper_image
  architecture      = var.architecture
  user              = var.user
  inputs_url        = "${local.inputs_url}/aggregator/"
  inputs_seconds    = var.inputs_seconds
  subnet_ids        = var.subnet_ids
  security_group_id = var.security_group_ids.aggregator
  kms_key_arns      = local.secret_keys
  log_days          = var.log_days
  tags              = var.tags

  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

data "aws_iam_policy_document" "aggregator" {
  source_policy_documents = [
    data.aws_iam_policy_document.inputs["aggregator"].json,
    data.aws_iam_policy_document.keys.json,
  ]

  statement {
    sid       = "ListStore"
    actions   = ["s3:ListBucket"]
    resources = [var.store.bucket_arn]
  }

  statement {
    sid       = "ReadStore"
    actions   = ["s3:GetObject"]
    resources = ["${var.store.bucket_arn}/${var.store.prefix}/*"]
  }

  # Verdicts, and what they were judged by; the rest is touched when a verdict comes to rely on it, which in S3 is a write.
  statement {
    sid       = "WriteStore"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = ["${var.store.bucket_arn}/${var.store.prefix}/*"]
  }

  statement {
    sid     = "RemoveWhatIsDamaged"
    actions = ["s3:DeleteObject"]
    resources = [for kind in ["blobs/*", "configs/*", "layers/*", "manifests/*"] :
      "${var.store.bucket_arn}/${var.store.prefix}/${kind}"
    ]
  }

  statement {
    sid = "TakeResults"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:ReceiveMessage",
    ]
    resources = [var.queue.result_queue_arn]
  }

  statement {
    sid       = "SetResultsAside"
    actions   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = [var.queue.result_dead_queue_arn]
  }
}
