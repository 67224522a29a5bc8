variable "name" {
  description = "Starts the names of everything that is made here."
  type        = string
  default     = "plimsoll"
}

variable "image" {
  description = "Image of Plimsoll, by digest or by a tag that nobody moves."
  type        = string
}

variable "helper_image" {
  description = "Image with the AWS CLI and a shell, which brings files to the roles. Mirror it, and name it by digest."
  type        = string
}

variable "architecture" {
  description = "X86_64 or ARM64, as both images are."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "Fargate has X86_64 and ARM64."
  }
}

variable "user" {
  description = "User and group that the roles run as, as numbers. Not 0."
  type        = string
  default     = "65532:65532"

  validation {
    condition     = can(regex("^[1-9][0-9]*:[1-9][0-9]*$", var.user))
    error_message = "User and group are numbers other than 0, such as 65532:65532."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets for tasks and for the load balancer, of two zones or more."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of load balancer and roles."
  type = object({
    load_balancer = string
    coordinator   = string
    worker        = string
    aggregator    = string
  })
}

variable "registry_cidrs" {
  description = "Private networks that registries may be in, such as the endpoints of ECR. Nothing else should be in them."
  type        = list(string)
  default     = []
}

variable "store" {
  description = "Bucket of the store: name and ARN, where the store is in it, its URL, and its key of KMS if it has one."
  type = object({
    bucket      = string
    bucket_arn  = string
    prefix      = string
    url         = string
    kms_key_arn = optional(string)
  })
}

variable "state" {
  description = "Secret with the URL of the database, and its key of KMS if it has one."
  type = object({
    url_secret_arn = string
    kms_key_arn    = optional(string)
  })
}

variable "queue" {
  description = "Queues: their URL as the binary takes it, names and ARNs, and their key of KMS if they have one."
  type = object({
    url                   = string
    layer_queue_names     = list(string)
    layer_queue_arns      = list(string)
    layer_dead_queue_arns = list(string)
    result_queue_arn      = string
    result_dead_queue_arn = string
    kms_key_arn           = optional(string)
  })
}

variable "crawls_file" {
  description = "Crawls that start by themselves, by the name of their file below inputs/coordinator/ in the bucket. Null: none do."
  type        = string
  default     = null
}

variable "events" {
  description = "Queue with the events of ECR, and where those go that nobody can read. Null: pushes are not heard of."
  type = object({
    queue_url      = string
    queue_arn      = string
    dead_queue_arn = string
  })
  default = null
}

variable "webhooks_secret_arn" {
  description = "Secret with the configuration of webhooks, which has their passwords. Null: no webhooks."
  type        = string
  default     = null
}

variable "registries" {
  description = "What there is to say of registries, as the entries of PLIMSOLL_REGISTRIES; an entry has a host at least."
  type        = any
  default     = []
}

variable "certificate_arn" {
  description = "Certificate of ACM for the name that clients call the API by."
  type        = string
}

variable "internal" {
  description = "Whether the load balancer has addresses of the VPC only. Then the subnets may be private."
  type        = bool
  default     = true
}

variable "coordinator" {
  description = "Size of coordinators, and how many there are. Each can answer every call."
  type = object({
    cpu        = optional(number, 1024)
    memory_mib = optional(number, 2048)
    disk_gib   = optional(number, 21)
    tasks      = optional(number, 2)
  })
  default = {}
}

variable "worker" {
  description = "Size of workers, how many there are at least and at most, layers each reads at a time, memory for one layer, and how many of 100 are Spot."
  type = object({
    cpu            = optional(number, 2048)
    memory_mib     = optional(number, 8192)
    disk_gib       = optional(number, 50)
    min_tasks      = optional(number, 1)
    max_tasks      = optional(number, 20)
    slots          = optional(number, 2)
    job_memory_mib = optional(number, 2048)
    job_seconds    = optional(number, 1200)
    per_registry   = optional(number, 16)
    spot_share     = optional(number, 0)
  })
  default = {}

  validation {
    condition     = var.worker.slots * var.worker.job_memory_mib + 1024 <= var.worker.memory_mib
    error_message = "The task needs memory for as many layers as it reads at a time, and 1024 MiB beside that."
  }
}

variable "aggregator" {
  description = "Size of aggregators, and how many there are."
  type = object({
    cpu        = optional(number, 2048)
    memory_mib = optional(number, 8192)
    disk_gib   = optional(number, 30)
    tasks      = optional(number, 2)
  })
  default = {}
}

variable "backlog_per_worker" {
  description = "How many layers may wait for each worker task before there are more tasks."
  type        = number
  default     = 20

  validation {
    condition     = var.backlog_per_worker >= 1
    error_message = "With a target below one layer there would be a worker for every layer."
  }
}

variable "stop_seconds" {
  description = "How long a task has to end once it is told to. 120 is the most that Fargate allows."
  type        = number
  default     = 120

  validation {
    condition     = var.stop_seconds >= 60 && var.stop_seconds <= 120
    error_message = "Fargate allows 120 seconds; with less than 60 a worker could finish next to nothing."
  }
}

variable "knowledge_file" {
  description = "The knowledge snapshot, by its name below inputs/aggregator/ in the bucket."
  type        = string
  default     = "osv.plimsoll"
}

variable "policy_file" {
  description = "The policy of scans that name none, by its name below inputs/aggregator/. Null: the one that is built in."
  type        = string
  default     = null
}

variable "allowlist_files" {
  description = "Allowlists for every scan, by their names below inputs/aggregator/."
  type        = list(string)
  default     = []
}

variable "credentials" {
  description = "Registry credentials that scans may name: secrets with the content of a Docker config.json, by name. TENANT/NAME is one tenant's, NAME everybody's."
  type        = map(string)
  default     = {}
}

variable "callback_secret_arn" {
  description = "Secret that signs callbacks (whsec_ and base64). Null: callbacks are not posted."
  type        = string
  default     = null
}

variable "repository_arns" {
  description = "Repositories of ECR that coordinators and workers may pull from by themselves. Empty: none."
  type        = list(string)
  default     = []
}

variable "pull_role_arns" {
  description = "Roles that coordinators and workers may become to pull, in other accounts."
  type        = list(string)
  default     = []
}

variable "inputs_seconds" {
  description = "How often files in the bucket are looked at."
  type        = number
  default     = 300
}

variable "otlp_endpoint" {
  description = "Collector that gets spans by gRPC, such as http://collector.internal:4317. Null: none are recorded."
  type        = string
  default     = null
}

variable "log_level" {
  description = "Which lines are logged, as PLIMSOLL_LOG has it."
  type        = string
  default     = "info"
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "secret_kms_key_arns" {
  description = "Keys of KMS of the secrets that credentials and callback_secret_arn name, other than that of AWS."
  type        = list(string)
  default     = []
}

variable "deletion_protection" {
  description = "Refuse to delete the load balancer."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
