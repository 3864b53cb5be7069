target "app" {
  secret = ["env=TOKEN"] # ERROR: Invalid value
}
