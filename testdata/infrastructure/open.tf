# A module in which much hangs on variables that have no values.

data "aws_caller_identity" "current" {}

variable "readers" { type = list(string) }
variable "denied" { type = list(string) }
variable "actions" { type = list(string) }
variable "open" { type = bool }
variable "effect" {}
variable "name" {}
variable "attach" { type = bool }
variable "own_policy" { type = bool }
variable "sid" {}
variable "context" {}
variable "holder" {}
variable "override" {}
variable "title" {}
variable "target" {}

locals {
  account = data.aws_caller_identity.current.account_id
}

resource "aws_iam_role" "roles" {
  for_each           = toset(["app", "ops"])
  name               = each.key
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = { Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" } })
}

data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Root"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "Use"
    actions   = var.actions
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = concat(["arn:aws:iam::${local.account}:role/ops"], var.readers)
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:app"
      values   = [var.context]
    }
  }
}

data "aws_iam_policy_document" "key" {
  source_policy_documents = [data.aws_iam_policy_document.base.json]

  statement {
    sid       = var.sid
    effect    = var.effect
    actions   = ["kms:Decrypt", "kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:role/${var.name}"]
    }
  }

  statement {
    actions   = ["kms:Encrypt", "kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:role/first"]
    }
  }

  dynamic "statement" {
    for_each = toset(var.denied)
    content {
      effect    = "Deny"
      actions   = ["kms:Encrypt"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [statement.value]
      }
    }
  }

  dynamic "statement" {
    for_each = var.open ? ["app"] : []
    content {
      actions   = ["kms:CreateGrant"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [for role in aws_iam_role.roles : role.arn if role.name == statement.value]
      }
    }
  }

  override_policy_documents = [var.override]
}

resource "aws_kms_key" "key" {
  policy = var.own_policy ? data.aws_iam_policy_document.key.json : null
}

resource "aws_iam_role_policy" "app" {
  count = var.attach ? 1 : 0
  name  = "app"
  role  = aws_iam_role.roles["app"].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = var.actions, Resource = aws_kms_key.key.arn }]
  })
}

resource "aws_iam_role_policy" "holder" {
  name = "holder"
  role = var.holder
  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": [
        { "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "${aws_kms_key.key.arn}" },
        { "Effect": "${var.effect}", "Action": "kms:Describe*", "Resource": "*" }
      ]
    }
  EOT
}

# Its name, and which key the rest is for, are not known.

resource "aws_iam_role" "titled" {
  name               = var.title
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

resource "aws_iam_role_policy" "first" {
  name = "first"
  role = "first"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.key.arn }]
  })
}

resource "aws_kms_grant" "some" {
  key_id            = var.target
  grantee_principal = "arn:aws:iam::${local.account}:role/first"
  operations        = ["CreateGrant", "DescribeKey"]
}

resource "aws_kms_key_policy" "some" {
  key_id = var.target
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow", Action = "kms:*", Resource = "*"
      Principal = { AWS = "arn:aws:iam::${local.account}:role/app" }
    }]
  })
}
