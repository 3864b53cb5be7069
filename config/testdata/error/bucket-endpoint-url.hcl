target "app" {
  cache-to "s3" {
    bucket = "b"
    region = "r"
    endpoint_url = "storage.example.com" # ERROR: Invalid cache attribute
  }
}
