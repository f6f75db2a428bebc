# Whether the two are one account nobody knows.
variable "other" {}
data "aws_caller_identity" "here" {}
provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "other"
  region = "eu-west-1"
  assume_role {
    role_arn = "arn:aws:iam::${var.other}:role/deploy"
  }
}
resource "aws_kms_key" "key" {
  provider            = aws.other
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "kms:*"
      Resource  = "*"
      Principal = { AWS = [data.aws_caller_identity.here.account_id, var.other] }
    }]
  })
}
