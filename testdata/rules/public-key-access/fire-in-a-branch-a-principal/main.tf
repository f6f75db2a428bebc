# Who may decrypt hangs on an argument: everyone, or one role.
variable "open" {
  type = bool
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "orders" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
  statement {
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = var.open ? ["*"] : ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/app"]
    }
  }
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.orders.json
}
