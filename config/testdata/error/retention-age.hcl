retention "team" {
  max-age = "two weeks" # ERROR: Invalid value
}
target "app" {}
