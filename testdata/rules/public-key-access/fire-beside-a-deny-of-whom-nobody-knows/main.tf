# Whom the Deny stops hangs on an argument; nothing known stops strangers.
data "aws_caller_identity" "me" {}

variable "org" {
  type = string
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }, Action = "kms:*", Resource = "*" },
      { Effect = "Allow", Principal = "*", Action = "kms:Decrypt", Resource = "*" },
      { Effect = "Deny", Principal = { AWS = var.org }, Action = "kms:*", Resource = "*" },
    ]
  })
}
