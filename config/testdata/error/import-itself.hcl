import "self" {
  source = "cache.hcl" # ERROR: Import cycle
}
target "app" {}
