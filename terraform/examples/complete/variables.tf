variable "region" {
  description = "Region of everything here."
  type        = string
  default     = "eu-central-1"
}

variable "name" {
  description = "Starts the names of everything."
  type        = string
  default     = "plimsoll"
}

variable "bucket" {
  description = "Name of the bucket for evidence and verdicts, unique in all of AWS."
  type        = string
}

variable "image" {
  description = "Image of Plimsoll in your ECR, by digest."
  type        = string
}

variable "helper_image" {
  description = "Image with the AWS CLI in your ECR, by digest."
  type        = string
}

variable "certificate_arn" {
  description = "Certificate of ACM for the name that clients call the API by."
  type        = string
}

variable "client_cidrs" {
  description = "Who may call the API."
  type        = list(string)
  default     = []
}

variable "alarm_actions" {
  description = "What is told of alarms, such as a topic of SNS."
  type        = list(string)
  default     = []
}
