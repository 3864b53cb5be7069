registry "registry.example.com" { # ERROR: Registry cannot be embedded
  embedded = true
}
target "app" {}
