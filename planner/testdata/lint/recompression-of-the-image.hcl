target "default" {
  tags   = ["registry.example.com/app:main"]
  output = ["type=registry"]
  cache-to "registry" {
    ref               = "registry.example.com/app-cache:main"
    compression       = "zstd" # WARN: Layers compressed again
    force-compression = true
  }
}
