group "all" {
  targets = ["app"]
  matrix  = { v = ["1"] } # ERROR: No matrix for groups
}
target "app" {}
