# A fleet in one account: pushes to its own ECR are judged, and others ask by gRPC.

provider "aws" {
  region = var.region

  default_tags {
    tags = { application = var.name }
  }
}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
}

module "network" {
  source = "../../modules/network"

  name         = var.name
  client_cidrs = var.client_cidrs
}

module "store" {
  source = "../../modules/store"

  bucket = var.bucket
}

module "queue" {
  source = "../../modules/queue"

  prefix        = var.name
  alarm_actions = var.alarm_actions
}

module "state" {
  source = "../../modules/state"

  name               = var.name
  subnet_ids         = module.network.database_subnet_ids
  security_group_ids = [module.network.security_group_ids["database"]]
}

module "events" {
  source = "../../modules/events"

  prefix        = var.name
  alarm_actions = var.alarm_actions
}

module "fleet" {
  source = "../../modules/fleet"

  name         = var.name
  image        = var.image
  helper_image = var.helper_image

  vpc_id             = module.network.vpc_id
  subnet_ids         = module.network.task_subnet_ids
  security_group_ids = module.network.security_group_ids
  registry_cidrs     = module.network.registry_cidrs

  store = module.store
  state = module.state
  queue = module.queue

  events = module.events

  certificate_arn = var.certificate_arn
  registries      = [{ host = "${local.account}.dkr.ecr.${var.region}.amazonaws.com", ecr = {} }]
  repository_arns = [
    "arn:${data.aws_partition.current.partition}:ecr:${var.region}:${local.account}:repository/*",
  ]
}
