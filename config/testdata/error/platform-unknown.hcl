target "app" {
  platforms = ["linux/amd64", "beos"] # ERROR: Unsuitable value
}
