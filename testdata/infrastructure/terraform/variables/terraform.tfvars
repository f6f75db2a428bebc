given    = "given"
auto     = "tfvars"
settings = { name = "reader" }
