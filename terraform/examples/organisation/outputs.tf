output "api_dns_name" {
  description = "Make the name of the certificate an alias of this one."
  value       = module.fleet.api_dns_name
}

output "inputs_url" {
  description = "Where the files of the roles go."
  value       = "s3://${module.store.bucket}/inputs"
}

output "member_bus_arn" {
  description = "The bus that the accounts forward their events to."
  value       = module.events.member_bus_arn
}

output "pull_role_arns" {
  description = "Roles that the fleet becomes to pull from the accounts."
  value       = [module.team_a.pull_role_arn, module.team_b.pull_role_arn]
}
