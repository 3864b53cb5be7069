# A cache in an image is what the image is.
target "default" {
  cache-to "inline" {
    mode              = "max" # WARN: Attribute without effect
    compression       = "zstd" # WARN: Attribute without effect
    force-compression = true # WARN: Attribute without effect
  }
}
