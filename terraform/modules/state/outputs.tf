output "url_secret_arn" {
  description = "Secret with the value of PLIMSOLL_STATE."
  value       = aws_secretsmanager_secret.url.arn

  # Whoever starts a task with it needs what is in it.
  depends_on = [aws_secretsmanager_secret_version.url]
}

output "instance_arn" {
  description = "The database instance."
  value       = aws_db_instance.this.arn
}

output "address" {
  description = "Its name in the VPC."
  value       = aws_db_instance.this.address
}

output "kms_key_arn" {
  description = "The key that whoever reads the secret has to be allowed to use; null with that of AWS."
  value       = var.kms_key_arn
}
