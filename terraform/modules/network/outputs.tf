output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Its addresses."
  value       = aws_vpc.this.cidr_block
}

output "task_subnet_ids" {
  description = "Subnets for tasks and for the load balancer, one a zone."
  value       = [for zone in local.zones : aws_subnet.tasks[zone].id]
}

output "database_subnet_ids" {
  description = "Subnets for the database, one a zone, without a way out."
  value       = [for zone in local.zones : aws_subnet.database[zone].id]
}

output "registry_cidrs" {
  description = "Where the endpoints of ECR are: what coordinators and workers have to be allowed by --allow-network."
  value       = [for zone in local.zones : local.registry_cidrs[zone]]
}

output "security_group_ids" {
  description = "Security groups by who they are for: load_balancer, coordinator, worker, aggregator, database, endpoints."
  value       = { for name, group in aws_security_group.this : name => group.id }
}
