target "app" {
  cache-to "s3" {
    bucket      = "b"
    region      = "r"
    compression = "zstd" # WARNING: Attribute without effect
  }
}
