variable "policies" { default = { power = "arn:aws:iam::aws:policy/AmazonEC2FullAccess" } }
