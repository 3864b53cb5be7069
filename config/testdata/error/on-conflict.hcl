target "app" {
  cache-to "registry" {
    ref         = "a/b"
    on-conflict = "replace" # ERROR: Invalid cache attribute
  }
}
