resource "aws_iam_user" "app" { name = "app" }
resource "aws_iam_user_policy" "app" {
  name = "app"
  user = aws_iam_user.app.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:*", Resource = "*" }] })
}
resource "aws_kms_key" "k" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = { AWS = "arn:aws:iam::444455556666:root" } } ] })
}
