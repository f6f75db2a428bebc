variable "policies" { default = { power = "arn:aws:iam::aws:policy/PowerUserAccess" } }
