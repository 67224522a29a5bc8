data "aws_region" "current" {}

data "aws_availability_zones" "available" {
  state = "available"

  # Local zones have neither NAT gateways nor all endpoints.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = slice(data.aws_availability_zones.available.names, 0, var.zones)

  # One block a zone: tasks, and below them small ones for what they talk to.
  task_cidrs     = { for at, zone in local.zones : zone => cidrsubnet(var.cidr, 4, at) }
  public_cidrs   = { for at, zone in local.zones : zone => cidrsubnet(var.cidr, 8, 240 + at) }
  database_cidrs = { for at, zone in local.zones : zone => cidrsubnet(var.cidr, 8, 244 + at) }
  registry_cidrs = { for at, zone in local.zones : zone => cidrsubnet(var.cidr, 8, 248 + at) }

  nat_zones = {
    none     = toset([])
    one      = toset(slice(local.zones, 0, 1))
    per_zone = toset(local.zones)
  }[var.nat]
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = merge(var.tags, { Name = var.name })
}

# Whatever forgets to name a security group reaches nothing.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-default" })
}

resource "aws_subnet" "tasks" {
  for_each = local.task_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(var.tags, { Name = "${var.name}-tasks-${each.key}" })
}

resource "aws_subnet" "database" {
  for_each = local.database_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(var.tags, { Name = "${var.name}-database-${each.key}" })
}

# The endpoints of ECR, and nothing else: this is the one private network that the roles are allowed to find registries in.
resource "aws_subnet" "registry" {
  for_each = local.registry_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(var.tags, { Name = "${var.name}-registry-${each.key}" })
}

# Nothing but NAT gateways is in these.
resource "aws_subnet" "public" {
  for_each = { for zone, cidr in local.public_cidrs : zone => cidr if contains(local.nat_zones, zone) }

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(var.tags, { Name = "${var.name}-public-${each.key}" })
}

resource "aws_internet_gateway" "this" {
  count = var.nat == "none" ? 0 : 1

  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_eip" "nat" {
  for_each = local.nat_zones

  domain = "vpc"

  tags = merge(var.tags, { Name = "${var.name}-nat-${each.key}" })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  count = var.nat == "none" ? 0 : 1

  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-public" })
}

resource "aws_route" "internet" {
  count = var.nat == "none" ? 0 : 1

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_route_table" "tasks" {
  for_each = aws_subnet.tasks

  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-tasks-${each.key}" })
}

resource "aws_route" "nat" {
  for_each = var.nat == "none" ? toset([]) : toset(local.zones)

  route_table_id         = aws_route_table.tasks[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.nat == "one" ? local.zones[0] : each.key].id
}

resource "aws_route_table_association" "tasks" {
  for_each = aws_subnet.tasks

  subnet_id      = each.value.id
  route_table_id = aws_route_table.tasks[each.key].id
}

# No way out of here but to what is in this VPC.
resource "aws_route_table" "isolated" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-isolated" })
}

resource "aws_route_table_association" "database" {
  for_each = aws_subnet.database

  subnet_id      = each.value.id
  route_table_id = aws_route_table.isolated.id
}

resource "aws_route_table_association" "registry" {
  for_each = aws_subnet.registry

  subnet_id      = each.value.id
  route_table_id = aws_route_table.isolated.id
}
