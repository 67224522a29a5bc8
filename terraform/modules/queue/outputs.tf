output "url" {
  description = "The queues, as PLIMSOLL_QUEUE names them."
  value       = "sqs:${var.prefix}?region=${data.aws_region.current.name}"
}

output "layer_queue_names" {
  description = "Names of the queues of layers, the most urgent lane first: what workers scale on."
  value       = [for channel in local.layers : aws_sqs_queue.ready[channel].name]
}

output "layer_queue_arns" {
  description = "Queues of layers."
  value       = [for channel in local.layers : aws_sqs_queue.ready[channel].arn]
}

output "layer_dead_queue_arns" {
  description = "Where layers are put that no worker can read."
  value       = [for channel in local.layers : aws_sqs_queue.dead[channel].arn]
}

output "result_queue_arn" {
  description = "The queue of results."
  value       = aws_sqs_queue.ready["results"].arn
}

output "result_dead_queue_arn" {
  description = "Where results are put that no aggregator can read."
  value       = aws_sqs_queue.dead["results"].arn
}

output "kms_key_arn" {
  description = "The key that whoever sends or receives has to be allowed to use; null with SSE-SQS."
  value       = var.kms_key_arn
}
