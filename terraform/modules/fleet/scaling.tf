# Workers are scaled by the backlog each of them has: layers that wait in any lane, over running tasks.
#
# A task that is scaled in loses nothing. ECS tells it to stop, it takes no more layers, finishes what it can within
# PLIMSOLL_GRACE, hands the rest back, and ends before `stop_seconds` are over; the leases of the queue cover the case that
# it could not.

resource "aws_appautoscaling_policy" "worker" {
  name               = "${var.name}-backlog-per-worker"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = "ecs"
  resource_id        = module.worker.scaling_id
  scalable_dimension = "ecs:service:DesiredCount"

  target_tracking_scaling_policy_configuration {
    target_value       = var.backlog_per_worker
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    customized_metric_specification {
      metrics {
        id          = "backlog_per_worker"
        label       = "Layers that wait for each worker"
        expression  = "(${join(" + ", [for at, _ in var.queue.layer_queue_names : "waiting${at}"])}) / running"
        return_data = true
      }

      dynamic "metrics" {
        for_each = var.queue.layer_queue_names

        content {
          id          = "waiting${metrics.key}"
          label       = "Layers in ${metrics.value}"
          return_data = false

          metric_stat {
            stat = "Average"

            metric {
              namespace   = "AWS/SQS"
              metric_name = "ApproximateNumberOfMessagesVisible"

              dimensions {
                name  = "QueueName"
                value = metrics.value
              }
            }
          }
        }
      }

      metrics {
        id          = "running"
        label       = "Worker tasks"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dimensions {
              name  = "ClusterName"
              value = aws_ecs_cluster.this.name
            }

            dimensions {
              name  = "ServiceName"
              value = module.worker.name
            }
          }
        }
      }
    }
  }
}
