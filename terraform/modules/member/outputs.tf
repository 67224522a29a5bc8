output "pull_role_arn" {
  description = "What coordinators and workers become to pull from this account."
  value       = aws_iam_role.pull.arn
}

output "rule_arn" {
  description = "The rule that forwards events."
  value       = aws_cloudwatch_event_rule.forward.arn
}
