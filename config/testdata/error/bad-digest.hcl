target "app" {
  cache-from "local" {
    src    = "cache"
    digest = "sha256:short" # ERROR: Invalid digest
  }
}
