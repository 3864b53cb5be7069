target "app" {
  inherits = ["bse"] # ERROR: Unknown target
}
target "base" {}
