target "app" {
  output = ["type=local"] # ERROR: Invalid value
}
