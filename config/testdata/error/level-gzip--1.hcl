target "app" {
  cache-to "registry" {
    ref               = "a/b"
    compression       = "gzip"
    compression-level = -1 # ERROR: Invalid compression level
  }
}
