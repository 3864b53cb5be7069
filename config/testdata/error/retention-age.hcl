retention "team" {
  max-age = "two weeks" # ERROR: Unsuitable value
}
target "app" {}
