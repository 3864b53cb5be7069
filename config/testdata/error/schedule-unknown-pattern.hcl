target "app" {}
schedule "nightly" {
  cron    = "0 3 * * *"
  targets = ["web-*"] # ERROR: Unknown target
}
