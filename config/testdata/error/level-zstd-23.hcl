target "app" {
  cache-to "registry" {
    ref               = "a/b"
    compression       = "zstd"
    compression-level = 23 # ERROR: Invalid compression level
  }
}
