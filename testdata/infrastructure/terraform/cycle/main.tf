locals {
  a = local.b
  b = local.a
}

resource "aws_kms_key" "key" {
  description = local.a
}

module "self" {
  source = "./"
}
