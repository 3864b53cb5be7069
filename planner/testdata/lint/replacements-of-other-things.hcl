# What is replaced here is no branch.
variable "PLATFORM" {
  default = "linux/amd64"
}
variable "BRANCH" {
  default = "main"
}
target "default" {
  cache-to "registry" {
    ref = "registry.example.com/app-${replace(PLATFORM, "/", "-")}:${BRANCH}"
  }
}
