# The id is that of one key, which may be one of the three that are declared beside it.
resource "aws_kms_key" "orders" {
  enable_key_rotation = true
}

resource "aws_kms_key" "payments" {
  enable_key_rotation = true
}

resource "aws_kms_key" "reports" {
  enable_key_rotation = true
}

resource "aws_kms_key_policy" "one" {
  key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "kms:*", Resource = "*" }]
  })
}
