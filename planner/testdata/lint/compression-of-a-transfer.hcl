transfer "default" {
  cache-from "registry" {
    ref = "registry.example.com/app:main"
  }
  cache-to "local" {
    dest        = "mirror"
    compression = "zstd" # WARN: Compression without effect
  }
  cache-to "registry" {
    ref               = "other.example.com/app:main"
    compression       = "zstd"
    force-compression = true
  }
}
