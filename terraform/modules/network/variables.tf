variable "name" {
  description = "Starts the names of everything that is made here."
  type        = string
  default     = "plimsoll"
}

variable "cidr" {
  description = "Addresses of the VPC, a block between /16 and /20. It must not overlap with networks it is to be peered with."
  type        = string
  default     = "10.60.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.cidr)[1]), 99) <= 20
    error_message = "The VPC needs an IPv4 block between /16 and /20, such as 10.60.0.0/16."
  }
}

variable "zones" {
  description = "How many availability zones are used: 2 or 3. Each costs one address of every interface endpoint."
  type        = number
  default     = 2

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "The database and the load balancer need 2 zones; more than 3 have no use."
  }
}

variable "nat" {
  description = "How tasks reach registries outside AWS: 'one' NAT gateway, one 'per_zone', or 'none', which leaves them the ECR of this region."
  type        = string
  default     = "one"

  validation {
    condition     = contains(["none", "one", "per_zone"], var.nat)
    error_message = "nat is none, one or per_zone."
  }
}

variable "client_cidrs" {
  description = "Who may reach the load balancer of the API, as blocks of addresses."
  type        = list(string)
  default     = []
}

variable "registry_egress" {
  description = "Where coordinators and workers find registries. Narrow it if all of them are known."
  type = list(object({
    cidr = string
    port = number
  }))
  default = [{ cidr = "0.0.0.0/0", port = 443 }]
}

variable "callback_egress" {
  description = "Where aggregators post callbacks. Empty: an aggregator reaches nothing outside this VPC but S3."
  type = list(object({
    cidr = string
    port = number
  }))
  default = []
}

variable "metrics_cidrs" {
  description = "Who may scrape /metrics, /healthz and /readyz of the roles, which ask for no credentials."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags for everything that takes some."
  type        = map(string)
  default     = {}
}
