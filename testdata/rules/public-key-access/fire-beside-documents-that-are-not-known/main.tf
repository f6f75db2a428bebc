# What else the document holds hangs on an argument.
variable "documents" {
  type = list(string)
}

data "aws_iam_policy_document" "orders" {
  source_policy_documents = var.documents
  statement {
    sid       = "open"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.orders.json
}
