variable "name" {
  description = "Name of the database instance, and the start of the names of its secrets."
  type        = string
  default     = "plimsoll"
}

variable "subnet_ids" {
  description = "Subnets of at least two zones, without a way out."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups that let coordinators and aggregators in on port 5432, and nobody else."
  type        = list(string)
}

variable "engine_version" {
  description = "Version of PostgreSQL. A major version alone follows its minor versions."
  type        = string
  default     = "16"
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
  default     = "db.m7g.large"
}

variable "storage_gib" {
  description = "Storage at the start, in GiB. From 400 on gp3 has four times the throughput."
  type        = number
  default     = 100
}

variable "max_storage_gib" {
  description = "How far storage may grow by itself, in GiB."
  type        = number
  default     = 1000
}

variable "multi_az" {
  description = "Keep a standby in another zone, at twice the price. Without it the fleet stands still while the instance is repaired, and loses nothing."
  type        = bool
  default     = true
}

variable "backup_days" {
  description = "How many days backups, and the log between them, are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "Backups are kept for 1 to 35 days; without any there is no way back."
  }
}

variable "kms_key_arn" {
  description = "Key of KMS for storage, backups and secrets. Null: those that AWS keeps for this account."
  type        = string
  default     = null
}

variable "ca_file" {
  description = "Where the roles find the certificate authority of RDS. Null: connections are encrypted, and whoever answers is believed to be the database."
  type        = string
  default     = "/inputs/rds-ca.pem"
}

variable "password_version" {
  description = "Another number makes another password. Tasks have to be started anew after that."
  type        = number
  default     = 1
}

variable "deletion_protection" {
  description = "Refuse to delete the database."
  type        = bool
  default     = true
}

variable "apply_immediately" {
  description = "Make changes at once rather than in the maintenance window. Some of them restart the database."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
