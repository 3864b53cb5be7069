target "app" {
  platforms = ["linux/amd64", "beos"] # ERROR: Invalid value
}
