target "app" {
  cache-to = ["ref=a/b"] # ERROR: Unsuitable value
}
