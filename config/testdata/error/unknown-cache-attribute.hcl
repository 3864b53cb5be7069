target "app" {
  cache-to "registry" {
    ref         = "a/b"
    compresion = "zstd" # ERROR: Unknown cache attribute
  }
}
