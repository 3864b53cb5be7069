target "app" {
  cache-to "gha" {
    compression = "zstd"
    mode        = "max"
    repository  = "team/app" # WARNING: Attribute without effect
  }
}
