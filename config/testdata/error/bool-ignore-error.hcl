target "app" {
  cache-to "registry" {
    ref = "a/b"
    ignore-error = "yes" # ERROR: Invalid cache attribute
  }
}
