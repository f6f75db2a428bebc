variable "account_id" {}
variable "with_default" { default = "default" }
variable "given" {}
variable "auto" { default = "default" }
variable "settings" {
  type = object({ name = string, actions = optional(list(string), ["kms:Decrypt"]), note = optional(string) })
}

resource "aws_kms_key" "key" {
  description = join(",", [var.with_default, var.given, var.auto, coalesce(var.settings.note, "none")])
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }, Action = "kms:*", Resource = "*" },
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::${var.account_id}:role/${var.settings.name}" }, Action = var.settings.actions, Resource = "*" },
    ]
  })
}
