target "app" {
  dockerfile = "-" # ERROR: Unsuitable value
}
