import "a/b" { # ERROR: Invalid namespace
  source = "b.hcl"
}
target "app" {}
