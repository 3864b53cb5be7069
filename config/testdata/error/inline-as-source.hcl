target "app" {
  cache-from = ["type=inline"] # ERROR: Inline cache has no location
}
