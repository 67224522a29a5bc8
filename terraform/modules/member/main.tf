data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account  = data.aws_caller_identity.current.account_id
  registry = "arn:${data.aws_partition.current.partition}:ecr:*:${local.account}:repository"

  pull = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
  ]
  list = [
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:ListImages",
  ]
}

# Events of this account and region go to the bus of the fleet, which may be in another one.
resource "aws_cloudwatch_event_rule" "forward" {
  name        = "${var.prefix}-forward-images"
  description = "Images that were pushed to ECR or deleted there, for the fleet that judges them"
  event_pattern = jsonencode({
    source        = ["aws.ecr"]
    "detail-type" = ["ECR Image Action"]
    account       = [local.account]
    detail        = { "action-type" = ["PUSH", "DELETE"], result = ["SUCCESS"] }
  })

  tags = var.tags
}

resource "aws_cloudwatch_event_target" "forward" {
  rule      = aws_cloudwatch_event_rule.forward.name
  target_id = "fleet"
  arn       = var.bus_arn
  role_arn  = aws_iam_role.forward.arn
}

data "aws_iam_policy_document" "events_assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

data "aws_iam_policy_document" "forward" {
  statement {
    actions   = ["events:PutEvents"]
    resources = [var.bus_arn]
  }
}

resource "aws_iam_role" "forward" {
  name_prefix        = "${var.prefix}-forward-"
  description        = "Forwards events of ECR to the fleet"
  assume_role_policy = data.aws_iam_policy_document.events_assume.json

  tags = var.tags
}

resource "aws_iam_role_policy" "forward" {
  name   = "forward"
  role   = aws_iam_role.forward.id
  policy = data.aws_iam_policy_document.forward.json
}

# What the roles of the fleet become to pull from here.
data "aws_iam_policy_document" "readers_assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = var.reader_role_arns
    }
  }
}

data "aws_iam_policy_document" "pull" {
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "PullAndList"
    actions   = concat(local.pull, local.list)
    resources = [for pattern in var.repositories : "${local.registry}/${pattern}"]
  }
}

resource "aws_iam_role" "pull" {
  name               = "${var.prefix}-pull"
  description        = "Pulls and lists images for the fleet that judges them"
  assume_role_policy = data.aws_iam_policy_document.readers_assume.json

  tags = var.tags
}

resource "aws_iam_role_policy" "pull" {
  name   = "pull"
  role   = aws_iam_role.pull.id
  policy = data.aws_iam_policy_document.pull.json
}

data "aws_iam_policy_document" "repository" {
  statement {
    sid     = "JudgedByTheFleet"
    effect  = "Allow"
    actions = concat(local.pull, local.list)

    principals {
      type        = "AWS"
      identifiers = var.reader_role_arns
    }
  }
}

resource "aws_ecr_repository_policy" "pull" {
  for_each = var.repository_policies

  repository = each.key
  policy     = data.aws_iam_policy_document.repository.json
}
