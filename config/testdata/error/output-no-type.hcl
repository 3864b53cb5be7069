target "app" {
  output = [{ dest = "out" }] # ERROR: Unsuitable value
}
