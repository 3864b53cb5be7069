target "app" {
  cache-to "registry" {
    ref               = "a/b"
    compression-level = "fast" # ERROR: Invalid cache attribute
  }
}
