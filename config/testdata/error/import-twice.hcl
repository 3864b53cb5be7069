import "api" {
  source = "cache.hcl" # ERROR: Import cycle
}
import "api" { # ERROR: Duplicate block
  source = "cache.hcl"
}
target "app" {}
