target "app" {
  cache-to = null # ERROR: Unsuitable value
}
