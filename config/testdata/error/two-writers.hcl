target "a" {
  cache-to "registry" {
    ref = "registry.example.com/cache"
  }
}
target "b" {
  cache-to "registry" { # ERROR: Cache written twice
    ref = "registry.example.com/cache:latest"
  }
}
