target "app" {
  cache-to "registry" {
    ref            = "a/b"
    oci-mediatypes = false
    compression    = "estargz" # ERROR: Conflicting cache attributes
  }
}
