target "app" {}
schedule "nightly" { # ERROR: Missing attribute
  cron = "0 3 * * *"
}
