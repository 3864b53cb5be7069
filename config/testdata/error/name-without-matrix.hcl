target "app" {
  name = "other" # ERROR: Name without matrix
}
