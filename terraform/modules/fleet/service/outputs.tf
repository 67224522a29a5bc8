output "name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "task_definition_arn" {
  description = "Its task definition."
  value       = aws_ecs_task_definition.this.arn
}

output "task_role_arn" {
  description = "The role of its tasks."
  value       = aws_iam_role.task.arn
}

output "scaling_id" {
  description = "What a policy of Application Auto Scaling scales."
  value       = aws_appautoscaling_target.this.resource_id
}

output "log_group_name" {
  description = "Where its tasks log."
  value       = aws_cloudwatch_log_group.this.name
}
