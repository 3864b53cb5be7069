target "app" {
  cache-to "registry" {
    ref = "Registry/UPPER:tag" # ERROR: Invalid reference
  }
}
