target "app" {}
schedule "nightly" {
  cron    = "0 3 * * *"
  targets = ["appp"] # ERROR: Unknown target
}
