transfer "t" { # ERROR: Incomplete transfer
  cache-from "registry" {
    ref = "a/b"
  }
}
