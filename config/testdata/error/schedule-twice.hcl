target "app" {}
schedule "nightly" {
  cron    = "0 3 * * *"
  targets = ["app"]
}
schedule "nightly" { # ERROR: Duplicate block
  cron    = "0 4 * * *"
  targets = ["app"]
}
