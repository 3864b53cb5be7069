target "app" {
  cache-to "registry" {
    ref = "a/b"
    image-manifest = "yes" # ERROR: Invalid cache attribute
  }
}
