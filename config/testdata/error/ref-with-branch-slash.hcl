variable "BRANCH" { default = "feature/login" }
target "app" {
  cache-from "registry" {
    ref = "registry.example.com/cache:${BRANCH}" # ERROR: Invalid reference
  }
}
