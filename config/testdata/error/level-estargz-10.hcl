target "app" {
  cache-to "registry" {
    ref               = "a/b"
    compression       = "estargz"
    compression-level = 10 # ERROR: Invalid compression level
  }
}
