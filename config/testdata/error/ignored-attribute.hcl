target "app" {
  cache-to "s3" {
    bucket         = "b"
    region         = "r"
    oci-mediatypes = "false" # WARNING: Attribute without effect
  }
}
