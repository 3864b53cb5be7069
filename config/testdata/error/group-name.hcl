group "a/b" { # ERROR: Invalid group name
  targets = ["app"]
}
target "app" {}
