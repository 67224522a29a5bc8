variable "prefix" {
  description = "Starts the names of the rule and the roles."
  type        = string
  default     = "plimsoll"
}

variable "bus_arn" {
  description = "The bus of the fleet that gets the events of this account: `member_bus_arn` of the module events."
  type        = string
}

variable "reader_role_arns" {
  description = "Task roles of the fleet that may pull: those of coordinator and worker. They have to exist already."
  type        = list(string)

  validation {
    condition     = length(var.reader_role_arns) > 0
    error_message = "Name the task roles that pull; a pull role that anybody could assume is not made."
  }
}

variable "repositories" {
  description = "Repositories that may be pulled from, as patterns of IAM such as 'team-a/*'."
  type        = list(string)
  default     = ["*"]
}

variable "repository_policies" {
  description = "Repositories that get a policy by which the fleet pulls with its own login. It replaces the policy that a repository has."
  type        = set(string)
  default     = []
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
