# What the replica lets anybody do hangs on a variable that nothing gives.
data "aws_iam_policy_document" "p" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.c.account_id}:root"]
    }
  }
}
variable "extra" { type = string }
data "aws_caller_identity" "c" {}
resource "aws_kms_key" "k" {
  enable_key_rotation = true
  multi_region        = true
  policy              = data.aws_iam_policy_document.p.json
}
resource "aws_kms_replica_key" "r" {
  region          = "eu-west-1"
  primary_key_arn = aws_kms_key.k.arn
  policy          = var.extra
}
