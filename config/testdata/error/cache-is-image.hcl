target "app" {
  tags   = ["registry.example.com/app"]
  output = ["type=registry"]
  cache-to "registry" { # ERROR: Cache in place of an image
    ref = "registry.example.com/app:latest"
  }
}
