variable "BRANCH" {
  default = "main"
}
function "cache" {
  params = [name, branch]
  result = "registry.example.com/${name}:${sanitize(branch)}"
}
function "safe" {
  params = [name, branch]
  result = "registry.example.com/${name}:${replace(branch, "/", "-")}-${substr(sha256(branch), 0, 8)}"
}
target "default" {
  cache-to "registry" {
    ref = cache("app", BRANCH) # WARN: Branches can share a cache
  }
  cache-to "registry" {
    ref = safe("safe", BRANCH)
  }
}
