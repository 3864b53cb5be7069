# Nothing is pushed in this run; with --push it would be.
target "default" {
  tags = ["registry.example.com/app:main", "registry.example.com/app:latest"]
  cache-to "registry" { # WARN: Cache at the reference of an image
    ref = "registry.example.com/app"
  }
}
