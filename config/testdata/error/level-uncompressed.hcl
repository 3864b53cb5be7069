target "app" {
  cache-to "registry" {
    ref               = "a/b"
    compression       = "uncompressed"
    compression-level = 1 # ERROR: Invalid compression level
  }
}
