data "aws_caller_identity" "current" {}

locals {
  retention_seconds = 14 * 24 * 60 * 60

  # A push that failed is no news. Deletions are wanted too: a tag that is gone is recorded as such.
  wanted = {
    source        = ["aws.ecr"]
    "detail-type" = ["ECR Image Action"]
    detail = merge(
      { "action-type" = ["PUSH", "DELETE"], result = ["SUCCESS"] },
      length(var.repositories) == 0 ? {} : { "repository-name" = [for pattern in var.repositories : { wildcard = pattern }] },
    )
  }

  # Where events come from: what happens in this account is on its default bus, whatever others forward on a bus for them.
  buses = merge(
    { own = { bus = "default", pattern = merge(local.wanted, { account = [data.aws_caller_identity.current.account_id] }) } },
    var.organisation_id == null ? {} : {
      members = {
        bus     = aws_cloudwatch_event_bus.members[0].name
        pattern = merge(local.wanted, length(var.member_accounts) == 0 ? {} : { account = var.member_accounts })
      }
    },
  )
}

resource "aws_sqs_queue" "events" {
  name                       = "${var.prefix}-events"
  message_retention_seconds  = local.retention_seconds
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = 60
  sqs_managed_sse_enabled    = true

  tags = var.tags
}

# Events nobody can read, from the coordinator, and events that EventBridge could not deliver.
resource "aws_sqs_queue" "dead" {
  name                      = "${var.prefix}-events-dead"
  message_retention_seconds = local.retention_seconds
  receive_wait_time_seconds = 20
  sqs_managed_sse_enabled   = true

  tags = var.tags
}

locals {
  queues = { events = aws_sqs_queue.events, dead = aws_sqs_queue.dead }
}

data "aws_iam_policy_document" "queue" {
  for_each = local.queues

  statement {
    sid       = "FromTheRules"
    effect    = "Allow"
    actions   = ["sqs:SendMessage"]
    resources = [each.value.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for rule in aws_cloudwatch_event_rule.this : rule.arn]
    }
  }

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value.arn]

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

resource "aws_sqs_queue_policy" "this" {
  for_each = local.queues

  queue_url = each.value.url
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.buses

  name           = "${var.prefix}-images-${each.key}"
  description    = "Images that were pushed to ECR or deleted there"
  event_bus_name = each.value.bus
  event_pattern  = jsonencode(each.value.pattern)

  tags = var.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.buses

  rule           = aws_cloudwatch_event_rule.this[each.key].name
  event_bus_name = each.value.bus
  target_id      = "queue"
  arn            = aws_sqs_queue.events.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }

  depends_on = [aws_sqs_queue_policy.this]
}

resource "aws_cloudwatch_event_bus" "members" {
  count = var.organisation_id == null ? 0 : 1

  name = "${var.prefix}-members"

  tags = var.tags
}

data "aws_iam_policy_document" "bus" {
  count = var.organisation_id == null ? 0 : 1

  # Nobody can put an event of aws.ecr on a bus but ECR: whoever forwards one cannot invent it.
  statement {
    sid       = "ForwardedByMembers"
    effect    = "Allow"
    actions   = ["events:PutEvents"]
    resources = [aws_cloudwatch_event_bus.members[0].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalOrgID"
      values   = [var.organisation_id]
    }
  }
}

resource "aws_cloudwatch_event_bus_policy" "members" {
  count = var.organisation_id == null ? 0 : 1

  event_bus_name = aws_cloudwatch_event_bus.members[0].name
  policy         = data.aws_iam_policy_document.bus[0].json
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  alarm_name          = "${aws_sqs_queue.dead.name}-is-not-empty"
  alarm_description   = "Events could not be read or not be delivered. Their attributes say why."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions

  tags = var.tags
}

resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name          = "${aws_sqs_queue.events.name}-are-old"
  alarm_description   = "Nobody takes events in: are there coordinators, and do they reach the database?"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.events.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.age_alarm_seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions

  tags = var.tags
}
