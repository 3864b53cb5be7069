target "app" {
  cache-to "s3" {
    bucket            = "b"
    region            = "r"
    secret_access_key = "canary" # WARNING: Secret in the configuration
  }
}
