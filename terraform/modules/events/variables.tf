variable "prefix" {
  description = "Starts the names of the queue, its dead letters, the rules and the bus."
  type        = string
  default     = "plimsoll"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,50}$", var.prefix))
    error_message = "The prefix is made of 1 to 50 letters, digits, '-' and '_'."
  }
}

variable "repositories" {
  description = "Repositories of this account whose events are wanted, as patterns of EventBridge such as 'team-a/*'. Empty: all of them."
  type        = list(string)
  default     = []
}

variable "organisation_id" {
  description = "The organisation whose accounts forward their events to a bus that is made for them. Null: no bus, and no events but those of this account."
  type        = string
  default     = null

  validation {
    condition     = var.organisation_id == null || can(regex("^o-[a-z0-9]{10,32}$", coalesce(var.organisation_id, "o")))
    error_message = "The id of an organisation looks like o-a1b2c3d4e5."
  }
}

variable "member_accounts" {
  description = "Accounts of the organisation whose events are taken. Empty: those of every account of it."
  type        = list(string)
  default     = []
}

variable "alarm_actions" {
  description = "What is told when events were set aside, could not be delivered, or are not taken in, such as topics of SNS."
  type        = list(string)
  default     = []
}

variable "age_alarm_seconds" {
  description = "How old an event may get before that is an alarm. Images are pushed and not judged then."
  type        = number
  default     = 600
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
