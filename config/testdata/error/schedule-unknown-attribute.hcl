target "app" {}
schedule "nightly" {
  cron    = "0 3 * * *"
  target  = "app" # ERROR: Unknown attribute
  targets = ["app"]
}
