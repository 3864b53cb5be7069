target "app" {}
schedule "nightly" {
  cron    = "at three" # ERROR: Invalid schedule
  targets = ["app"]
}
