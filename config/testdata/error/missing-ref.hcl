target "app" {
  cache-to "registry" { # ERROR: Missing cache attribute
    mode = "max"
  }
}
