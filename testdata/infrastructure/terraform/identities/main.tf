resource "aws_iam_user" "alice" {
  name = "alice"
  path = "/team/"
  tags = { team = "a" }
}

resource "aws_iam_group" "readers" {
  name = "readers"
}

resource "aws_iam_user_group_membership" "alice" {
  user   = aws_iam_user.alice.name
  groups = [aws_iam_group.readers.name]
}

resource "aws_iam_group_membership" "readers" {
  name  = "readers"
  group = aws_iam_group.readers.name
  users = [aws_iam_user.bob.name]
}

resource "aws_iam_user" "bob" {
  name                 = "bob"
  permissions_boundary = aws_iam_policy.kms.arn
}

data "aws_iam_policy_document" "kms" {
  statement {
    actions   = ["kms:Decrypt"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "kms" {
  name   = "kms"
  policy = data.aws_iam_policy_document.kms.json
}

resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  inline_policy {
    name   = "own"
    policy = data.aws_iam_policy_document.kms.json
  }
}

resource "aws_iam_role_policy" "app" {
  name   = "apart"
  role   = aws_iam_role.app.id
  policy = data.aws_iam_policy_document.kms.json
}

resource "aws_iam_role_policy_attachment" "app" {
  for_each   = toset(["arn:aws:iam::aws:policy/SecretsManagerReadWrite", aws_iam_policy.kms.arn])
  role       = aws_iam_role.app.name
  policy_arn = each.value
}

resource "aws_iam_group_policy_attachment" "readers" {
  group      = aws_iam_group.readers.name
  policy_arn = aws_iam_policy.kms.arn
}

resource "aws_iam_policy_attachment" "many" {
  name       = "many"
  users      = [aws_iam_user.alice.name]
  roles      = [aws_iam_role.app.name]
  policy_arn = "arn:aws:iam::aws:policy/AmazonEC2FullAccess"
}

resource "aws_iam_role_policy" "maybe" {
  count  = var.extra ? 1 : 0
  name   = "maybe"
  role   = aws_iam_role.app.name
  policy = data.aws_iam_policy_document.kms.json
}

variable "extra" {}
