target "app" {
  cache_from = [] # ERROR: Unknown attribute
  cache-to "registry" {
    ref         = "a/b"
    compression = "brotli" # ERROR: Invalid cache attribute
  }
}
target "other" {
  contxt = "." # ERROR: Unknown attribute
  cache-from "local" { # ERROR: Missing cache attribute
  }
}
