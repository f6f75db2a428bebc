provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias  = "replica"
  region = "us-east-1"
}

provider "aws" {
  alias  = "audit"
  region = "eu-west-1"
  assume_role {
    role_arn = "arn:aws:iam::${var.audit_account}:role/deploy"
  }
}

variable "audit_account" {}

data "aws_caller_identity" "here" {}

data "aws_caller_identity" "audit" {
  provider = aws.audit
}

resource "aws_kms_key" "primary" {
  multi_region = true
}

resource "aws_kms_replica_key" "replica" {
  provider        = aws.replica
  primary_key_arn = aws_kms_key.primary.arn
}

resource "aws_kms_key" "audit" {
  provider = aws.audit
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = [for id in [data.aws_caller_identity.here.account_id, data.aws_caller_identity.audit.account_id] : "arn:aws:iam::${id}:root"] }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}
