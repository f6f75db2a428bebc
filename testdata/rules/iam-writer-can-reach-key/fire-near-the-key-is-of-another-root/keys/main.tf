# A root of its own: which account it is deployed to, it does not say.
resource "aws_kms_key" "orders" {
  enable_key_rotation = true
}
