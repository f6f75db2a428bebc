# Which organization is meant is looked up: its own.
data "aws_organizations_organization" "o" {}
resource "aws_kms_key" "k" { enable_key_rotation = true }
resource "aws_iam_role" "app" {
  name = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" },
    Condition = { StringEquals = { "aws:PrincipalOrgID" = data.aws_organizations_organization.o.id } } }] })
}
resource "aws_iam_role_policy" "app" {
  role   = aws_iam_role.app.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.k.arn }] })
}
