target "app" {}
schedule "nightly" {
  cron    = "0 25 * * *" # ERROR: Invalid schedule
  targets = ["app"]
}
