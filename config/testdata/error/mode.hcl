target "app" {
  cache-to "registry" {
    ref  = "a/b"
    mode = "maximum" # ERROR: Invalid cache attribute
  }
}
