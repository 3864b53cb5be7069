target "app" {
  max-age = "soon" # ERROR: Invalid value
}
