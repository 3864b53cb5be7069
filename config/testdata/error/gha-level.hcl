target "app" {
  cache-to "gha" {
    compression       = "gzip"
    compression-level = 22 # ERROR: Invalid compression level
  }
}
