target "app" {
  cache-to "registy" { # ERROR: Unknown cache backend
    ref = "a/b"
  }
}
