target "app" {
  cache-to "local" {
    dest = "cache"
    fit  = "drop" # ERROR: Invalid cache attribute
  }
}
