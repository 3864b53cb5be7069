target "app" {
  cache-to "local" { # ERROR: Missing cache attribute
  }
}
