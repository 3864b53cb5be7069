transfer "t" {
  cache-form "registry" { # ERROR: Unknown block
    ref = "a/b"
  }
}
