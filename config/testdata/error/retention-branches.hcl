retention "team" {
  branches = true # ERROR: Unsuitable value
}
retention "other" {
  targets  = ["app"]
  names    = ["app-*-*"]
  branches = true # ERROR: Unsuitable value
}
target "app" {}
