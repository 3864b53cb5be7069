target "app" {
  cache-to "registry" {
    ref               = "a/b"
    compression       = "gzip"
    compression-level = 10 # ERROR: Invalid compression level
  }
}
