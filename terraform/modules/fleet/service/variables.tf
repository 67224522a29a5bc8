variable "name" {
  description = "Name of the service, its task definition and its roles."
  type        = string
}

variable "role" {
  description = "What it does: coordinator, worker or aggregator. Also the name of its container, and of its files in the bucket."
  type        = string

  validation {
    condition     = contains(["coordinator", "worker", "aggregator"], var.role)
    error_message = "The roles are coordinator, worker and aggregator."
  }
}

variable "cluster" {
  description = "Name and ARN of the cluster."
  type = object({
    name = string
    arn  = string
  })
}

variable "image" {
  description = "Image of Plimsoll."
  type        = string
}

variable "helper_image" {
  description = "Image with the AWS CLI and a shell, which brings files."
  type        = string
}

variable "architecture" {
  description = "X86_64 or ARM64, as both images are."
  type        = string
}

variable "user" {
  description = "User and group of the role's process, as numbers."
  type        = string
}

variable "command" {
  description = "What the image is called with: the role and its options."
  type        = list(string)
}

variable "environment" {
  description = "Variables of the role. Those that are null are not set."
  type        = map(string)
}

variable "secrets" {
  description = "Variables of the role whose values are in secrets: ARNs by name of the variable."
  type        = map(string)
  default     = {}
}

variable "secret_files" {
  description = "Files of the role whose contents are in secrets: ARNs by name of the file below /inputs/secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, _ in var.secret_files : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "Names of files from secrets are made of small letters, digits and '_'."
  }
}

variable "inputs_url" {
  description = "Where the files of this role are in the bucket."
  type        = string
}

variable "inputs_seconds" {
  description = "How often they are looked at."
  type        = number
}

variable "cpu" {
  description = "Units of CPU of the task."
  type        = number
}

variable "memory_mib" {
  description = "Memory of the task, in MiB."
  type        = number
}

variable "disk_gib" {
  description = "Ephemeral storage of the task, in GiB."
  type        = number
}

variable "stop_seconds" {
  description = "How long the role has between SIGTERM and SIGKILL. Fargate allows 120."
  type        = number

  validation {
    condition     = var.stop_seconds >= 30 && var.stop_seconds <= 120
    error_message = "Fargate stops a container after 120 seconds at the latest, and a role needs some to hand back what it holds."
  }
}

variable "tasks" {
  description = "How many tasks there are at least and at most."
  type = object({
    min = number
    max = number
  })

  validation {
    condition     = var.tasks.min >= 1 && var.tasks.max >= var.tasks.min
    error_message = "There is at least one task, and the most are not fewer than the fewest."
  }
}

variable "subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of the tasks."
  type        = string
}

variable "target_groups" {
  description = "Target groups of a load balancer, and the ports of the role that they send calls to."
  type = list(object({
    arn  = string
    port = number
  }))
  default = []
}

variable "spot_share" {
  description = "How many of 100 tasks are Fargate Spot."
  type        = number
  default     = 0
}

variable "policy_json" {
  description = "What the role may do."
  type        = string
}

variable "kms_key_arns" {
  description = "Keys that secrets are encrypted with, other than that of AWS."
  type        = list(string)
  default     = []
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
