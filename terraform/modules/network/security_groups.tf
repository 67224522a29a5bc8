# Who reaches whom, all of it. A worker has no way to the database, and an aggregator none to a registry outside this VPC.

locals {
  groups = {
    load_balancer = "Takes calls of the API"
    coordinator   = "Answers the API, resolves references, plans scans"
    worker        = "Reads layers"
    aggregator    = "Judges images"
    database      = "State"
    endpoints     = "Services of AWS"
  }

  # From one group to another.
  edges = {
    api                   = { from = "load_balancer", to = "coordinator", port = 7465 }
    webhooks              = { from = "load_balancer", to = "coordinator", port = 7466 }
    coordinator_state     = { from = "coordinator", to = "database", port = 5432 }
    aggregator_state      = { from = "aggregator", to = "database", port = 5432 }
    coordinator_endpoints = { from = "coordinator", to = "endpoints", port = 443 }
    worker_endpoints      = { from = "worker", to = "endpoints", port = 443 }
    aggregator_endpoints  = { from = "aggregator", to = "endpoints", port = 443 }
  }

  # From blocks of addresses to a group, and back out.
  clients   = { for cidr in var.client_cidrs : "client ${cidr}" => { to = "load_balancer", cidr = cidr, port = 443 } }
  scrapers  = merge([for cidr in var.metrics_cidrs : { for role in local.roles : "metrics ${role} ${cidr}" => { to = role, cidr = cidr, port = 7466 } }]...)
  roles     = toset(["coordinator", "worker", "aggregator"])
  readers   = toset(["coordinator", "worker"])
  registry  = merge([for place in var.registry_egress : { for role in local.readers : "registry ${role} ${place.cidr} ${place.port}" => merge(place, { from = role }) }]...)
  callbacks = { for place in var.callback_egress : "callback ${place.cidr} ${place.port}" => merge(place, { from = "aggregator" }) }
}

resource "aws_security_group" "this" {
  for_each = local.groups

  name_prefix = "${var.name}-${replace(each.key, "_", "-")}-"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-${replace(each.key, "_", "-")}" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "edge" {
  for_each = local.edges

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  description                  = each.key
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "edge" {
  for_each = local.edges

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  description                  = each.key
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "outside" {
  for_each = merge(local.clients, local.scrapers)

  security_group_id = aws_security_group.this[each.value.to].id
  description       = each.key
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = merge(local.registry, local.callbacks)

  security_group_id = aws_security_group.this[each.value.from].id
  description       = each.key
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

# S3 has addresses outside the VPC; this list has them.
resource "aws_vpc_security_group_egress_rule" "store" {
  for_each = local.roles

  security_group_id = aws_security_group.this[each.key].id
  description       = "store"
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
