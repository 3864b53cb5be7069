target "app" {
  resources = { memory = "much" } # ERROR: Invalid value
}
