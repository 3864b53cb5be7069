target "app" {
  ulimits = ["nofile"] # ERROR: Unsuitable value
}
