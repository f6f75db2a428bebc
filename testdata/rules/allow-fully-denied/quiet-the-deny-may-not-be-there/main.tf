variable "on" { type = bool }
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } } ] })
}
resource "aws_kms_key" "k" {
  policy = jsonencode({ Version = "2012-10-17", Statement = concat([
    { Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = { AWS = aws_iam_role.app.arn } } ],
    var.on ? [{ Effect = "Deny", Action = "kms:Decrypt", Resource = "*", Principal = { AWS = aws_iam_role.app.arn } }] : []) })
}
