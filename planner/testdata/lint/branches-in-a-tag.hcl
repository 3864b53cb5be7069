variable "BRANCH" {
  default = "main"
}
target "default" {
  cache-from "registry" {
    ref = "registry.example.com/app:${replace(BRANCH, "/", "-")}"
  }
  cache-to "registry" {
    ref = "registry.example.com/app:${replace(BRANCH, "/", "-")}" # WARN: Branches can share a cache
  }
}
