# Two branches become one tag in this very run.
target "default" {
  name   = "app-${sanitize(branch)}"
  matrix = { branch = ["feature/a", "feature-a"] }
  cache-to "registry" { # ERROR: Cache written twice
    ref = "registry.example.com/app:${replace(branch, "/", "-")}" # WARN: Branches can share a cache
  }
}
