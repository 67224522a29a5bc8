output "queue_url" {
  description = "The queue of events."
  value       = aws_sqs_queue.events.url
}

output "queue_arn" {
  description = "The queue of events."
  value       = aws_sqs_queue.events.arn
}

output "dead_queue_arn" {
  description = "Where events are put that nobody can read."
  value       = aws_sqs_queue.dead.arn
}

output "member_bus_arn" {
  description = "The bus that members forward their events to; null without an organisation."
  value       = one(aws_cloudwatch_event_bus.members[*].arn)
}
