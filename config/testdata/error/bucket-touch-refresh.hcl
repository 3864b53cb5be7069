target "app" {
  cache-to "s3" {
    bucket = "b"
    region = "r"
    touch_refresh = "soon" # ERROR: Invalid cache attribute
  }
}
