target "app" {
  dockerfile = "-" # ERROR: Invalid value
}
