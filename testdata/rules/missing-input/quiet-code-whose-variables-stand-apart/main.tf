# What the role is given is named in a file that declares nothing.
resource "aws_kms_key" "orders" { enable_key_rotation = true }

resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy_attachment" "app" {
  for_each   = var.policies
  role       = aws_iam_role.app.name
  policy_arn = each.value
}
