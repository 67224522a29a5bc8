output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "The bucket."
  value       = aws_s3_bucket.this.arn
}

output "prefix" {
  description = "Where the store is in the bucket."
  value       = var.prefix
}

output "url" {
  description = "The store, as PLIMSOLL_STORE names it."
  value       = "s3://${aws_s3_bucket.this.bucket}/${var.prefix}"
}

output "kms_key_arn" {
  description = "The key that whoever reads or writes here has to be allowed to use; null with SSE-S3."
  value       = var.kms_key_arn
}
