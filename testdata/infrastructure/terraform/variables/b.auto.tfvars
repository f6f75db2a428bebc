auto = "auto"
