target "app" {
  output = ["type=local"] # ERROR: Unsuitable value
}
