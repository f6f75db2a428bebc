# The deployer is named.
provider "aws" {
  region = "us-east-1"
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = ["kms:Decrypt", "kms:DescribeKey"], Resource = "*" },
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:role/ci" }, Action = "kms:*", Resource = "*" },
    ]
  })
}
