target "app" {
  cache-to "s3" {
    bucket = "b"
    region = "r"
    compression       = "zstd"
    compression-level = "23" # ERROR: Invalid compression level
  }
}
