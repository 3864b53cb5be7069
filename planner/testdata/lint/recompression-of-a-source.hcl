group "default" {
  targets = ["base", "app"]
}
target "base" {
  cache-to "registry" {
    ref = "registry.example.com/base:main"
  }
}
target "app" {
  cache-from "registry" {
    ref = "registry.example.com/base:main"
  }
  cache-to "registry" {
    ref               = "registry.example.com/app:main"
    compression       = "zstd" # WARN: Layers compressed again
    force-compression = true
  }
}
