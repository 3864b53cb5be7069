target "default" {
  tags   = ["registry.example.com/app:main"]
  output = ["type=image,push=true"]
  cache-to "registry" { # ERROR: Cache in place of an image
    ref = "registry.example.com/app:main"
  }
}
