variable "BRANCH" {
  default = "main"
}
variable "SCOPE" {
  default = "${lower(BRANCH)}-cache"
}
target "default" {
  cache-to "registry" {
    ref = "registry.example.com/app:${SCOPE}" # WARN: Branches can share a cache
  }
}
