target "a" {
  contexts = { b = "target:nothing" } # ERROR: Unknown target
}
