target "app" {
  cache-to "registry" {
    ref               = "a/b"
    compression       = "zstd"
    compression-level = -1 # ERROR: Invalid compression level
  }
}
