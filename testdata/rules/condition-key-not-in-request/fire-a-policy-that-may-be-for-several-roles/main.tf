# Which of the roles the policy is for is not known: it is told once.
variable "role" {}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
}

resource "aws_iam_role" "each" {
  for_each           = toset(["app", "batch", "web"])
  name               = each.key
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "replication" {
  role = var.role
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:DescribeKey"]
      Resource  = aws_kms_key.orders.arn
      Condition = { StringLike = { "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::orders/*"] } }
    }]
  })
}
