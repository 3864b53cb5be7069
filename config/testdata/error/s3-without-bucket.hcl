target "app" {
  cache-to "s3" { # ERROR: Missing cache attribute
    region = "r"
  }
}
