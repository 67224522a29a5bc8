data "aws_region" "current" {}

locals {
  # Every channel of the binary: layers of each lane, the most urgent first, and results of all of them.
  layers   = ["layers-interactive", "layers-push", "layers-backfill"]
  channels = concat(local.layers, ["results"])

  # As long as SQS can: what is published is known in the state as well, but nobody is told twice.
  retention_seconds = 14 * 24 * 60 * 60
}

# There is no redrive policy on purpose. SQS counts receives, and so cannot tell a message that kills its reader from a reader
# that was killed: the state bounds attempts. What cannot be read at all is put into the other queue by the roles.
resource "aws_sqs_queue" "ready" {
  for_each = toset(local.channels)

  name                       = "${var.prefix}-${each.key}"
  message_retention_seconds  = local.retention_seconds
  max_message_size           = 256 * 1024
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = 60
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  kms_master_key_id          = var.kms_key_arn

  tags = var.tags
}

resource "aws_sqs_queue" "dead" {
  for_each = toset(local.channels)

  name                      = "${var.prefix}-${each.key}-dead"
  message_retention_seconds = local.retention_seconds
  max_message_size          = 256 * 1024
  receive_wait_time_seconds = 20
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
  redrive_allow_policy      = jsonencode({ redrivePermission = "denyAll" })

  tags = var.tags
}

locals {
  queues = merge(
    { for channel, queue in aws_sqs_queue.ready : channel => queue },
    { for channel, queue in aws_sqs_queue.dead : "${channel}-dead" => queue },
  )
}

data "aws_iam_policy_document" "tls" {
  for_each = toset(concat(local.channels, [for channel in local.channels : "${channel}-dead"]))

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queues[each.key].arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "tls" {
  for_each = data.aws_iam_policy_document.tls

  queue_url = local.queues[each.key].url
  policy    = each.value.json
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  for_each = aws_sqs_queue.dead

  alarm_name          = "${each.value.name}-is-not-empty"
  alarm_description   = "A role has set a message aside that it could not read. Its attributes say why."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions

  tags = var.tags
}

resource "aws_cloudwatch_metric_alarm" "results" {
  alarm_name          = "${aws_sqs_queue.ready["results"].name}-are-old"
  alarm_description   = "Nobody takes results in: are there aggregators, and do they reach the database?"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.ready["results"].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.result_age_alarm_seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions

  tags = var.tags
}
