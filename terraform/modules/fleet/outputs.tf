output "api_dns_name" {
  description = "Name of the load balancer: what the name of the certificate has to be an alias of."
  value       = aws_lb.api.dns_name
}

output "api_zone_id" {
  description = "Its zone, for an alias in Route 53."
  value       = aws_lb.api.zone_id
}

output "cluster_name" {
  description = "The cluster."
  value       = aws_ecs_cluster.this.name
}

output "task_role_arns" {
  description = "Roles of the tasks, by what they are: whoever grants pulls to the fleet names those of coordinator and worker."
  value = {
    coordinator = module.coordinator.task_role_arn
    worker      = module.worker.task_role_arn
    aggregator  = module.aggregator.task_role_arn
  }
}

output "task_definition_arns" {
  description = "Task definitions, by role: for tasks that run once, such as `plimsoll token create`."
  value = {
    coordinator = module.coordinator.task_definition_arn
    worker      = module.worker.task_definition_arn
    aggregator  = module.aggregator.task_definition_arn
  }
}

output "service_names" {
  description = "Services, by role."
  value = {
    coordinator = module.coordinator.name
    worker      = module.worker.name
    aggregator  = module.aggregator.name
  }
}

output "log_group_names" {
  description = "Where tasks log, by role."
  value = {
    coordinator = module.coordinator.log_group_name
    worker      = module.worker.log_group_name
    aggregator  = module.aggregator.log_group_name
  }
}
