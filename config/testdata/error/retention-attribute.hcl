retention "team" {
  max-ages = "14d" # ERROR: Unknown attribute
}
target "app" {}
