target "app" {
  cache-to "registry" {
    ref = "a/b"
    force-compression = "yes" # ERROR: Invalid cache attribute
  }
}
