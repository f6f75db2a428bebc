data "aws_caller_identity" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  services = {
    logs = "logs.amazonaws.com"
    sns  = "sns.amazonaws.com"
  }
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
    sid       = "Replaced"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "key" {
  source_policy_documents = [data.aws_iam_policy_document.base.json]

  statement {
    sid         = "NotThese"
    effect      = "Deny"
    not_actions = ["kms:Describe*"]
    resources   = ["*"]
    not_principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:role/admin"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:PrincipalTag/team"
      values   = ["&{aws:username}"]
    }
  }

  dynamic "statement" {
    for_each = local.services
    content {
      sid       = "Service${title(statement.key)}"
      actions   = ["kms:Encrypt*", "kms:Decrypt*"]
      resources = ["*"]
      principals {
        type        = "Service"
        identifiers = [statement.value]
      }
      dynamic "condition" {
        for_each = statement.key == "logs" ? ["arn:aws:logs:*:${local.account}:*"] : []
        iterator = arn
        content {
          test     = "ArnLike"
          variable = "kms:EncryptionContext:aws:logs:arn"
          values   = [arn.value]
        }
      }
    }
  }

  dynamic "statement" {
    for_each = var.more
    content {
      actions   = ["kms:Decrypt"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [statement.value]
      }
    }
  }

  override_policy_documents = [data.aws_iam_policy_document.override.json]
}

data "aws_iam_policy_document" "override" {
  statement {
    sid       = "Replaced"
    effect    = "Deny"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

variable "more" {
  type = set(string)
}

resource "aws_kms_key" "key" {
  policy = data.aws_iam_policy_document.key.json
}
