target "app" {
  context = "-" # ERROR: Invalid value
}
