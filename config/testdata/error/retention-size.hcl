retention "team" {
  max-size    = "20 apples" # ERROR: Unsuitable value
  max-results = 1.5         # ERROR: Unsuitable value
}
target "app" {}
