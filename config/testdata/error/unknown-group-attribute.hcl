target "app" {}
group "default" {
  targets = ["app"]
  target  = ["app"] # ERROR: Unknown attribute
}
