data "aws_caller_identity" "current" {}

locals {
  app = "app"
}

resource "aws_iam_role" "app" {
  name               = local.app
  assume_role_policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": {
        "Effect": "Allow",
        "Principal": { "Service": "ec2.amazonaws.com" },
        "Action": "sts:AssumeRole"
      }
    }
  EOT
}

resource "aws_kms_key" "data" {
  policy = <<EOF2
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Root",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Principal": { "AWS": ["${aws_iam_role.app.arn}", "${var.reader}"] },
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": { "StringEquals": { "kms:EncryptionContext:app": "${local.app}" } }
    }
  ]
}
EOF2
}

variable "reader" {}
