target "app" {
  cache-to "registry" {
    ref         = "a/b"
    compression = "zstdd" # ERROR: Invalid cache attribute
  }
}
