# The replica lets the account describe and manage it, and use nothing.
data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "primary" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

data "aws_iam_policy_document" "replica" {
  statement {
    actions   = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  multi_region        = true
  policy              = data.aws_iam_policy_document.primary.json
}

resource "aws_kms_replica_key" "orders" {
  region          = "eu-west-1"
  primary_key_arn = aws_kms_key.orders.arn
  policy          = data.aws_iam_policy_document.replica.json
}
