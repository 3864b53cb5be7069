target "app" {}
schedule "nightly" {
  cron     = "0 3 * * *"
  timezone = "Middle/Earth" # ERROR: Invalid schedule
  targets  = ["app"]
}
