target "app" {
  resources = { memory = "much" } # ERROR: Unsuitable value
}
