target "app" {}
group "default" { # ERROR: Unknown target
  targets = ["ap"]
}
