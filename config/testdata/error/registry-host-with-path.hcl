registry "registry.example/team" { # ERROR: Invalid registry host
  http = true
}
target "app" {}
