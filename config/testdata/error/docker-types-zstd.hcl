target "app" {
  cache-to "registry" {
    ref            = "a/b"
    oci-mediatypes = false
    compression    = "zstd" # ERROR: Conflicting cache attributes
  }
}
