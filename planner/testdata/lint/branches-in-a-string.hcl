variable "GITHUB_REF_NAME" {
  default = "main"
}
target "default" {
  cache-to = [
    "type=local,dest=${regex_replace(GITHUB_REF_NAME, "[^a-z0-9]", "-")}", # WARN: Branches can share a cache
    "type=registry,ref=registry.example.com/app:${sanitize_ref(GITHUB_REF_NAME)}",
  ]
}
