target "app" {
  ulimits = ["nofile"] # ERROR: Invalid value
}
