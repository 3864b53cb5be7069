target "app" {}
schedule "nightly" {
  cron    = "0 3 * * *"
  targets = [] # ERROR: Unknown target
}
