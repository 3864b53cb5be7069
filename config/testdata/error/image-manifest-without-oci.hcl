target "app" {
  cache-to "registry" {
    ref            = "a/b"
    oci-mediatypes = false
    image-manifest = true # ERROR: Conflicting cache attributes
  }
}
