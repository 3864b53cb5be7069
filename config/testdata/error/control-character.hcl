target "app" {
  cache-from "registry" {
    ref = "a/b\n,registry.insecure=true" # ERROR: Invalid cache attribute
  }
}
