variable "region" {
  description = "Region of everything here."
  type        = string
  default     = "eu-central-1"
}

variable "name" {
  description = "Starts the names of everything, in all accounts."
  type        = string
  default     = "plimsoll"
}

variable "members" {
  description = "Numbers of the accounts whose images are judged."
  type = object({
    team_a = string
    team_b = string
  })
}

variable "deployment_role" {
  description = "Name of the role in these accounts by which Terraform works there."
  type        = string
  default     = "OrganizationAccountAccessRole"
}

variable "bucket" {
  description = "Name of the bucket for evidence and verdicts, unique in all of AWS."
  type        = string
}

variable "image" {
  description = "Image of Plimsoll in the ECR of the fleet's account, by digest."
  type        = string
}

variable "helper_image" {
  description = "Image with the AWS CLI in the ECR of the fleet's account, by digest."
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
