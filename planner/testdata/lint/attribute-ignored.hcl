target "default" {
  cache-to "s3" {
    bucket            = "b"
    region            = "r"
    oci-mediatypes    = true # WARN: Attribute without effect
    image-manifest    = true # WARN: Attribute without effect
  }
  cache-to "inline" {
    mode = "max" # WARN: Attribute without effect
  }
}
