target "default" {
  cache-to "s3" {
    bucket         = "b"
    region         = "r"
    oci-mediatypes = true # WARN: Attribute without effect
    image-manifest = true # WARN: Attribute without effect
  }
  # A cache in an image is what the image is.
  cache-to "inline" {
    mode              = "max" # WARN: Attribute without effect
    compression       = "zstd" # WARN: Attribute without effect
    force-compression = true # WARN: Attribute without effect
  }
}
