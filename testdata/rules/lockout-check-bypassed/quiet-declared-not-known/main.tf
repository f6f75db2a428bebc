# Nobody knows before it is deployed: the summary of what is unresolved tells of it.
variable "bypass" {
  type = bool
}

resource "aws_kms_key" "orders" {
  enable_key_rotation                = true
  bypass_policy_lockout_safety_check = var.bypass
}
