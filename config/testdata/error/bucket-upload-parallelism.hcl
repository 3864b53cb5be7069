target "app" {
  cache-to "s3" {
    bucket = "b"
    region = "r"
    upload_parallelism = "0" # ERROR: Invalid cache attribute
  }
}
