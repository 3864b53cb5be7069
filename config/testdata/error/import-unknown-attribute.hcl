import "api" {
  from = "b.hcl" # ERROR: Unknown attribute
}
target "app" {}
