output "api_dns_name" {
  description = "Make the name of the certificate an alias of this one."
  value       = module.fleet.api_dns_name
}

output "inputs_url" {
  description = "Where the files of the roles go."
  value       = "s3://${module.store.bucket}/inputs"
}

output "cluster_name" {
  description = "The cluster, for tasks that run once."
  value       = module.fleet.cluster_name
}

output "task_definition_arns" {
  description = "Task definitions by role, for tasks that run once."
  value       = module.fleet.task_definition_arns
}

output "events_queue_url" {
  description = "Queue of the events of ECR."
  value       = module.events.queue_url
}
