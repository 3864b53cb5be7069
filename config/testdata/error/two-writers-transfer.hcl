target "a" {
  cache-to "local" {
    dest = "./cache"
  }
}
transfer "t" {
  cache-from "registry" {
    ref = "a/b"
  }
  cache-to "local" { # ERROR: Cache written twice
    dest = "cache"
  }
}
