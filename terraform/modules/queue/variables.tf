variable "prefix" {
  description = "Starts the names of the queues, as in PLIMSOLL_QUEUE=sqs:PREFIX."
  type        = string
  default     = "plimsoll"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,50}$", var.prefix))
    error_message = "The prefix is made of 1 to 50 letters, digits, '-' and '_'."
  }
}

variable "kms_key_arn" {
  description = "Key of KMS for messages. Null: SSE-SQS, which costs nothing."
  type        = string
  default     = null
}

variable "alarm_actions" {
  description = "What is told when messages were set aside or lie too long, such as topics of SNS."
  type        = list(string)
  default     = []
}

variable "result_age_alarm_seconds" {
  description = "How old a result may get before that is an alarm. Nobody takes results in then."
  type        = number
  default     = 600
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
