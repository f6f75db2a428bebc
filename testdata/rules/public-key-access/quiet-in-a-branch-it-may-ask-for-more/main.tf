# What the statement asks for hangs on an argument, whether it is there or not.
variable "open" {
  type = bool
}

variable "condition" {
  type = any
}

resource "aws_kms_key" "orders" {
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{ Effect = "Allow", Principal = { AWS = "111122223333" }, Action = "kms:*", Resource = "*" }],
      var.open ? [{ Effect = "Allow", Principal = "*", Action = "kms:Decrypt", Resource = "*", Condition = var.condition }] : []
    )
  })
}
