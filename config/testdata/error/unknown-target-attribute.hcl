target "app" {
  cache_to = [] # ERROR: Unknown attribute
}
