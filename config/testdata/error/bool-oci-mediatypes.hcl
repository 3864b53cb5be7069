target "app" {
  cache-to "registry" {
    ref = "a/b"
    oci-mediatypes = "yes" # ERROR: Invalid cache attribute
  }
}
