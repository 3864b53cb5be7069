# One source that all read is one step; links need none.
target "_base" {
  context = "base"
}
target "svc" {
  name     = "svc-${n}"
  matrix   = { n = ["a", "b", "c"] }
  context  = n
  contexts = { base = "target:_base" }
  cache-from "registry" {
    ref = "registry.example.com/base"
  }
  cache-from "registry" {
    ref = "registry.example.com/${n}:main"
  }
  cache-to "registry" {
    ref  = "registry.example.com/${n}:main"
    mode = "max"
  }
  cache-to "inline" {}
}
