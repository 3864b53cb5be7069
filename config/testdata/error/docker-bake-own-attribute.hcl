target "default" {
  max-age = "24h" # WARNING: Unknown attribute
}
