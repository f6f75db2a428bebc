variable "names" {
  default = ["a", "b"]
}

variable "create" {
  default = true
}

resource "aws_kms_key" "counted" {
  count       = var.create ? 2 : 0
  description = "number ${count.index}"
}

resource "aws_kms_key" "none" {
  count = var.create ? 0 : 1
}

resource "aws_kms_key" "each" {
  for_each    = toset(var.names)
  description = each.key
}

resource "aws_kms_key" "open" {
  for_each = var.others
}

variable "others" {}

resource "aws_iam_policy" "use" {
  name = "use"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = concat(aws_kms_key.counted[*].arn, [for key in aws_kms_key.each : key.arn], [aws_kms_key.each["a"].arn, aws_kms_key.counted[1].arn])
    }]
  })
}
