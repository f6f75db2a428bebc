data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

variable "admins" {
  type    = list(string)
  default = ["alice", "bob"]
}

resource "aws_kms_key" "a" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Effect    = "Allow"
          Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
          Action    = "kms:*"
          Resource  = "*"
        },
      ],
      [for name in var.admins : {
        Sid       = title(name)
        Effect    = "Allow"
        Principal = { AWS = format("arn:aws:iam::%s:user/%s", data.aws_caller_identity.current.account_id, name) }
        Action    = ["kms:Describe*", "kms:Put*"]
        Resource  = "*"
      }],
      var.open ? [{
        Effect    = "Allow"
        Principal = "*"
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = data.aws_caller_identity.current.account_id
            "kms:ViaService"    = "s3.${data.aws_region.current.name}.amazonaws.com"
          }
        }
      }] : [],
    )
  })
}

variable "open" {
  type = bool
}
