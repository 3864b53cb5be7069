target "default" {
  cache-from "registry" {
    ref      = "registry.example.com/app:main"
    fallback = true # WARN: Attribute without effect
  }
  cache-from "registry" {
    ref      = "registry.example.com/app:next"
    fallback = true
  }
}
