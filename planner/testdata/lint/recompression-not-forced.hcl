# Layers that exist stay as they are.
group "default" {
  targets = ["base", "app"]
}
target "base" {
  cache-to "registry" {
    ref = "registry.example.com/base:main"
  }
}
target "app" {
  tags   = ["registry.example.com/app:main"]
  output = ["type=registry,compression=zstd"]
  cache-from "registry" {
    ref = "registry.example.com/base:main"
  }
  cache-to "registry" {
    ref         = "registry.example.com/app-cache:main"
    compression = "zstd"
  }
}
