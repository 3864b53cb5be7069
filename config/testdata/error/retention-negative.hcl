retention "team" {
  max-idle = "-1h" # ERROR: Invalid value
  grace    = "-1d" # ERROR: Invalid value
}
target "app" {}
