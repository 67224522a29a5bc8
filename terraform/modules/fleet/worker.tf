# Reads layers: a job in, evidence into the store, a result out. It has no database, and no way to one.

locals {
  # When a worker is told to stop, layers under way may go on for so long. What is not finished then is handed back and
  # read by somebody else. The rest of the time until SIGKILL is for handing back.
  worker_grace = var.stop_seconds - 20
}

module "worker" {
  source = "./service"

  name    = "${var.name}-worker"
  role    = "worker"
  command = concat(["worker"], local.networks, local.credentials)

  environment = merge(local.telemetry, {
    PLIMSOLL_STORE        = var.store.url
    PLIMSOLL_QUEUE        = var.queue.url
    PLIMSOLL_REGISTRIES   = local.registries_url
    PLIMSOLL_SLOTS        = tostring(var.worker.slots)
    PLIMSOLL_PER_REGISTRY = tostring(var.worker.per_registry)
    PLIMSOLL_JOB_MEMORY   = tostring(var.worker.job_memory_mib)
    PLIMSOLL_JOB_TIME     = tostring(var.worker.job_seconds)
    PLIMSOLL_GRACE        = tostring(local.worker_grace)
  })
  secret_files = local.credential_files

  policy_json  = data.aws_iam_policy_document.worker.json
  tasks        = { min = var.worker.min_tasks, max = var.worker.max_tasks }
  cpu          = var.worker.cpu
  memory_mib   = var.worker.memory_mib
  disk_gib     = var.worker.disk_gib
  spot_share   = var.worker.spot_share
  stop_seconds = var.stop_seconds

  cluster           = { name = aws_ecs_cluster.this.name, arn = aws_ecs_cluster.this.arn }
  image             = var.image
  helper_image      = var.helper_image
  architecture      = var.architecture
  user              = var.user
  inputs_url        = "${local.inputs_url}/worker/"
  inputs_seconds    = var.inputs_seconds
  subnet_ids        = var.subnet_ids
  security_group_id = var.security_group_ids.worker
  kms_key_arns      = var.secret_kms_key_arns
  log_days          = var.log_days
  tags              = var.tags

  depends_on = [aws_ecs_cluster_capacity_providers.this, aws_s3_object.registries]
}

data "aws_iam_policy_document" "worker" {
  source_policy_documents = [
    data.aws_iam_policy_document.inputs["worker"].json,
    data.aws_iam_policy_document.keys.json,
    data.aws_iam_policy_document.layers.json,
  ]

  statement {
    sid       = "ListStore"
    actions   = ["s3:ListBucket"]
    resources = [var.store.bucket_arn]
  }

  statement {
    sid     = "ReadAndWriteEvidence"
    actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = [for kind in ["blobs/*", "format", "layers/*"] :
      "${var.store.bucket_arn}/${var.store.prefix}/${kind}"
    ]
  }

  # Whether the store can be reached is asked by looking for a policy that is not there.
  statement {
    sid       = "Probe"
    actions   = ["s3:GetObject"]
    resources = ["${var.store.bucket_arn}/${var.store.prefix}/policies/*"]
  }

  statement {
    sid       = "RemoveWhatIsDamaged"
    actions   = ["s3:DeleteObject"]
    resources = ["${var.store.bucket_arn}/${var.store.prefix}/blobs/*"]
  }

  statement {
    sid = "TakeLayers"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:ReceiveMessage",
    ]
    resources = var.queue.layer_queue_arns
  }

  statement {
    sid       = "SendResults"
    actions   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = concat([var.queue.result_queue_arn], var.queue.layer_dead_queue_arns)
  }
}
