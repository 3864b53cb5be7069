# On main the branch's source and the fallback are one; on others they are not.
variable "BRANCH" {
  default = "main"
}
target "default" {
  cache-from "registry" {
    ref = "registry.example.com/app:${sanitize_ref(BRANCH)}"
  }
  cache-from "registry" {
    ref = "registry.example.com/app:main"
  }
  cache-to "registry" {
    ref = "registry.example.com/app:${sanitize_ref(BRANCH)}"
  }
}
