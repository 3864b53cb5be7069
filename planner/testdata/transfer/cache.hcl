# Several sources are merged, and go to several destinations.
transfer "mirror" {
  cache-from "registry" {
    ref = "one.example.com/cache:main"
  }
  cache-from "local" {
    src = "cache"
    tag = "nightly"
  }
  cache-to "registry" {
    ref = "two.example.com/cache:main"
  }
  cache-to "registry" {
    ref         = "three.example.com/cache:main"
    compression = "zstd"
  }
}
