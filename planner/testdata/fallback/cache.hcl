# Sources are read in the order they are declared. A fallback is used only if none before it in its own list is usable.
target "base" {
  cache-from = ["type=registry,ref=registry.example.com/base:feature", "type=registry,ref=registry.example.com/base:main,fallback=true"]
}
target "default" {
  contexts = { base = "target:base" }
  cache-from "registry" {
    ref = "registry.example.com/zebra:feature"
  }
  cache-from "registry" {
    ref      = "registry.example.com/alpha:main"
    fallback = true
  }
  cache-from "registry" {
    ref = "registry.example.com/base:main"
  }
}
transfer "first" {
  cache-from "registry" {
    ref      = "registry.example.com/zebra:feature"
    fallback = true
  }
  cache-from "registry" {
    ref      = "registry.example.com/zebra:main"
    fallback = true
  }
  cache-to "local" {
    dest = "cache"
  }
}
group "default" {
  targets = ["default", "first"]
}
