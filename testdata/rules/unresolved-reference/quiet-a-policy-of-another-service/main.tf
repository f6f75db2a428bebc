# What is not known is which action of S3 the role has.
variable "actions" {
  type = string
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
}

resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "app" {
  name = "use"
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "kms:DescribeKey", Resource = aws_kms_key.orders.arn },
      { Effect = "Allow", Action = "s3:${var.actions}Object", Resource = aws_kms_key.orders.arn },
    ]
  })
}
