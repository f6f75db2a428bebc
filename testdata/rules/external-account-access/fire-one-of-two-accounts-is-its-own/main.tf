# Only one of the two can be the account that it is deployed to.
variable "accounts" {
  default = ["111122223333", "444455556666"]
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for account in var.accounts :
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::${account}:root" }, Action = "kms:*", Resource = "*" }
    ]
  })
}
