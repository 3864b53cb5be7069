target "app" {
  cache-to "s3" {
    bucket = "b"
    region = "r"
    retry_max_attempts = "none" # ERROR: Invalid cache attribute
  }
}
