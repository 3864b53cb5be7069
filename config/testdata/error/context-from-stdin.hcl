target "app" {
  context = "-" # ERROR: Unsuitable value
}
