# Where everyone is meant nothing is asked for, by the same argument.
variable "production" {
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
      identifiers = var.production ? ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/app"] : ["*"]
    }
    dynamic "condition" {
      for_each = var.production ? [1] : []
      content {
        test     = "StringEquals"
        variable = "kms:CallerAccount"
        values   = [data.aws_caller_identity.current.account_id]
      }
    }
  }
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.orders.json
}
