target "app" {
  secret = ["env=TOKEN"] # ERROR: Unsuitable value
}
