retention "team" { # ERROR: Unknown target
  targets = ["ap"]
}
target "app" {}
