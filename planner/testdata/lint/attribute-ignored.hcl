target "default" {
  cache-to "s3" {
    bucket            = "b"
    region            = "r"
    compression       = "zstd" # WARN: Attribute without effect
    force-compression = true # WARN: Attribute without effect
  }
  cache-to "inline" {
    mode = "max" # WARN: Attribute without effect
  }
}
