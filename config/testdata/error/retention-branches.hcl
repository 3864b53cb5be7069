retention "team" {
  branches = true # ERROR: Invalid value
}
retention "other" {
  targets  = ["app"]
  names    = ["app-*-*"]
  branches = true # ERROR: Invalid value
}
target "app" {}
