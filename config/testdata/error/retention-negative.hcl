retention "team" {
  max-idle = "-1h" # ERROR: Unsuitable value
  grace    = "-1d" # ERROR: Unsuitable value
}
target "app" {}
