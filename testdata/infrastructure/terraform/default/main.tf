resource "aws_kms_key" "plain" {
  description         = "plain"
  enable_key_rotation = true
  tags                = { team = "a" }
}

resource "aws_kms_key" "apart" {}

resource "aws_kms_key_policy" "apart" {
  key_id = aws_kms_key.apart.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "111122223333" }, Action = "kms:*", Resource = "*" }]
  })
}

resource "aws_kms_alias" "plain" {
  name          = "alias/plain"
  target_key_id = aws_kms_key.plain.key_id
}

resource "aws_kms_external_key" "external" {
  enabled = false
}

resource "aws_kms_grant" "read" {
  name              = "read"
  key_id            = aws_kms_key.plain.key_id
  grantee_principal = "arn:aws:iam::111122223333:role/reader"
  operations        = ["Decrypt", "DescribeKey"]
  constraints {
    encryption_context_subset = { app = "x" }
  }
}

resource "aws_kms_grant" "somebody" {
  key_id            = aws_kms_key.apart.arn
  grantee_principal = var.grantee
  operations        = ["Decrypt"]
}

variable "grantee" {}
