variable "bucket" {
  description = "Name of the bucket, unique in all of AWS."
  type        = string
}

variable "prefix" {
  description = "Where the store is in the bucket. Nothing else may be below it: `plimsoll gc` deletes there."
  type        = string
  default     = "plimsoll"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9/_-]*[a-z0-9]$", var.prefix)) && !startswith(var.prefix, "inputs")
    error_message = "The prefix is made of small letters, digits, '-', '_' and '/' within, and is not 'inputs', where files for the roles are."
  }
}

variable "kms_key_arn" {
  description = "Key of KMS for everything in the bucket. Null: SSE-S3, which costs nothing and encrypts as well."
  type        = string
  default     = null
}

variable "stale_upload_days" {
  description = "After how many days what is left of an upload is thrown away whose process was killed."
  type        = number
  default     = 1

  validation {
    condition     = var.stale_upload_days >= 1
    error_message = "An upload under way must not be aborted; a day is the shortest that S3 knows."
  }
}

variable "versioning_days" {
  description = "How many days S3 keeps what was overwritten or deleted. Null: not at all, and no versioning. See the README before turning it on."
  type        = number
  default     = null
}

variable "access_log_bucket" {
  description = "Bucket that gets the access log of this one. Null: none is written."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete the evidence and verdicts in the bucket."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
