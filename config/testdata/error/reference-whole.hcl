target "app" {
  args = { ALL = target } # ERROR: Invalid reference
}
