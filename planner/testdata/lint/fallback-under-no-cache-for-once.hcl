# Whoever sets the variable has this run in mind.
variable "FRESH" {
  default = true
}
target "default" {
  no-cache = FRESH
  cache-from "registry" {
    ref = "registry.example.com/app:main"
  }
}
