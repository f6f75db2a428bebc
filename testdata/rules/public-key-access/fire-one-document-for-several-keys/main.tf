# One statement opens three keys: it is told once.
data "aws_iam_policy_document" "open" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_kms_key" "orders" {
  count               = 2
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.open.json
}

resource "aws_kms_key" "invoices" {
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.open.json
}
