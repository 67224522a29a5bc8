# A fleet in an account of its own, and two accounts of the same organisation whose images it judges. More accounts, or more
# regions of one, are more of the two blocks at the end.

provider "aws" {
  region = var.region
}

provider "aws" {
  alias  = "team_a"
  region = var.region

  assume_role {
    role_arn = "arn:${data.aws_partition.current.partition}:iam::${var.members.team_a}:role/${var.deployment_role}"
  }
}

provider "aws" {
  alias  = "team_b"
  region = var.region

  assume_role {
    role_arn = "arn:${data.aws_partition.current.partition}:iam::${var.members.team_b}:role/${var.deployment_role}"
  }
}

data "aws_partition" "current" {}

data "aws_organizations_organization" "this" {}

locals {
  readers = [module.fleet.task_role_arns["coordinator"], module.fleet.task_role_arns["worker"]]

  # The fleet names the roles before they are there: the accounts can only trust roles of the fleet that exist.
  pull_roles = [for account in values(var.members) : "arn:${data.aws_partition.current.partition}:iam::${account}:role/${var.name}-pull"]
}

module "network" {
  source = "../../modules/network"

  name         = var.name
  zones        = 3
  nat          = "per_zone"
  client_cidrs = var.client_cidrs
}

module "store" {
  source = "../../modules/store"

  bucket = var.bucket
}

module "queue" {
  source = "../../modules/queue"

  prefix = var.name
}

module "state" {
  source = "../../modules/state"

  name               = var.name
  subnet_ids         = module.network.database_subnet_ids
  security_group_ids = [module.network.security_group_ids["database"]]
  instance_class     = "db.m7g.xlarge"
  storage_gib        = 400
}

module "events" {
  source = "../../modules/events"

  prefix          = var.name
  organisation_id = data.aws_organizations_organization.this.id
  member_accounts = values(var.members)
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
  registries = [
    for account in values(var.members) : {
      host = "${account}.dkr.ecr.${var.region}.amazonaws.com"
      ecr  = { role = "arn:${data.aws_partition.current.partition}:iam::${account}:role/${var.name}-pull" }
    }
  ]
  pull_role_arns = local.pull_roles
  worker         = { max_tasks = 100, spot_share = 80 }
}

module "team_a" {
  source    = "../../modules/member"
  providers = { aws = aws.team_a }

  prefix           = var.name
  bus_arn          = module.events.member_bus_arn
  reader_role_arns = local.readers
}

module "team_b" {
  source    = "../../modules/member"
  providers = { aws = aws.team_b }

  prefix           = var.name
  bus_arn          = module.events.member_bus_arn
  reader_role_arns = local.readers
  repositories     = ["released/*"]
}
