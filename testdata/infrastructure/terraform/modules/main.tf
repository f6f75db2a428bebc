module "key" {
  source = "./kms"
  name   = "orders"
  readers = {
    app = aws_iam_role.app.arn
  }
}

module "many" {
  source   = "./kms"
  for_each = toset(["x", "y"])
  name     = each.key
}

module "remote" {
  source  = "terraform-aws-modules/kms/aws"
  version = "2.0.0"
}

resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

resource "aws_iam_role_policy" "app" {
  role = aws_iam_role.app.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = [module.key.arn, module.many["x"].arn, module.remote.key_arn]
    }]
  })
}
