# Parts of what the roles may do that several of them share.

# The files of each role, which its second container brings.
data "aws_iam_policy_document" "inputs" {
  for_each = toset(["coordinator", "worker", "aggregator"])

  statement {
    sid       = "ReadInputs"
    actions   = ["s3:GetObject"]
    resources = ["${var.store.bucket_arn}/inputs/${each.key}/*"]
  }
}

data "aws_iam_policy_document" "keys" {
  dynamic "statement" {
    for_each = length(local.keys) == 0 ? [] : [1]

    content {
      sid       = "UseKeys"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = local.keys
    }
  }
}

# Reading images. Layers are for workers alone; coordinators read manifests, list, and look whether a layer is there.
data "aws_iam_policy_document" "layers" {
  dynamic "statement" {
    for_each = length(var.repository_arns) == 0 ? [] : [1]

    content {
      sid       = "LogInToEcr"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = length(var.repository_arns) == 0 ? [] : [1]

    content {
      sid       = "PullLayers"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = var.repository_arns
    }
  }

  dynamic "statement" {
    for_each = length(var.pull_role_arns) == 0 ? [] : [1]

    content {
      sid       = "BecomeWhoMayPull"
      actions   = ["sts:AssumeRole"]
      resources = var.pull_role_arns
    }
  }
}

data "aws_iam_policy_document" "manifests" {
  # A config is a blob like a layer, so a coordinator needs what a worker needs, and listing.
  source_policy_documents = [data.aws_iam_policy_document.layers.json]

  dynamic "statement" {
    for_each = length(var.repository_arns) == 0 ? [] : [1]

    content {
      sid       = "ListImages"
      actions   = ["ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:ListImages"]
      resources = var.repository_arns
    }
  }
}
