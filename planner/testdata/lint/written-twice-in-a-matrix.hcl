# The key of the matrix is not in the place.
target "default" {
  name   = "svc-${svc}"
  matrix = { svc = ["api", "web"] }
  cache-to "registry" { # ERROR: Cache written twice
    ref = "registry.example.com/cache:main"
  }
}
