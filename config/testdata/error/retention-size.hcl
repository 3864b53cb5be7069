retention "team" {
  max-size    = "20 apples" # ERROR: Invalid value
  max-results = 1.5         # ERROR: Invalid value
}
target "app" {}
