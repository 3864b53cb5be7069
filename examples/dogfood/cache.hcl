# cachectl's own image: the static binary of `make build` on nothing.
#
#   make build && cachectl apply -f examples/dogfood/cache.hcl

registry "localhost:5054" {
  embedded = true
}

target "default" {
  context    = "bin"
  dockerfile = "../examples/dogfood/Dockerfile"
  tags       = ["localhost:5054/cachectl:latest"]
  output     = ["type=image,push=true"]

  cache-from "registry" {
    ref = "localhost:5054/cachectl-cache:main"
  }
  cache-to "registry" {
    ref  = "localhost:5054/cachectl-cache:main"
    mode = "max"
  }
}
