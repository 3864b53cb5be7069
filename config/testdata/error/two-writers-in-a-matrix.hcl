target "svc" {
  name   = "svc-${n}"
  matrix = { n = ["a", "b"] }
  cache-to "local" { # ERROR: Cache written twice
    dest = "cache"
  }
}
