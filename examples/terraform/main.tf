# A first try: an encrypted bucket with versions, a user who may read it and nothing else, and a secret.
#   eval "$(coldframe env)"; terraform init; terraform apply; terraform plan; terraform destroy
# docs/terraform.md says what else works.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

# Address, Region and keys come from the environment.
provider "aws" {
  s3_use_path_style = true

  default_tags {
    tags = { project = "first-try" }
  }
}

resource "aws_kms_key" "shop" {
  description             = "Objects and secrets of the shop"
  deletion_window_in_days = 7
  enable_key_rotation     = true
}

resource "aws_s3_bucket" "orders" {
  bucket_prefix = "orders-"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "orders" {
  bucket = aws_s3_bucket.orders.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "orders" {
  bucket = aws_s3_bucket.orders.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.shop.arn
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_object" "first" {
  bucket     = aws_s3_bucket.orders.id
  key        = "2026/first.json"
  content    = jsonencode({ order = 17 })
  depends_on = [aws_s3_bucket_versioning.orders, aws_s3_bucket_server_side_encryption_configuration.orders]
}

data "aws_iam_policy_document" "reader" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.orders.arn}/*"]
  }
  statement {
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.shop.arn]
  }
}

resource "aws_iam_user" "reader" {
  name = "orders-reader"
}

resource "aws_iam_user_policy" "reader" {
  name   = "read-orders"
  user   = aws_iam_user.reader.name
  policy = data.aws_iam_policy_document.reader.json
}

resource "aws_iam_access_key" "reader" {
  user = aws_iam_user.reader.name
}

resource "aws_secretsmanager_secret" "key" {
  name_prefix             = "orders-reader-"
  kms_key_id              = aws_kms_key.shop.arn
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "key" {
  secret_id     = aws_secretsmanager_secret.key.id
  secret_string = jsonencode({ id = aws_iam_access_key.reader.id, secret = aws_iam_access_key.reader.secret })
}

output "object" {
  value = "s3://${aws_s3_object.first.bucket}/${aws_s3_object.first.key}"
}
