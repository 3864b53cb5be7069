target "app" {
  tags = { a = "b" } # ERROR: Unsuitable value
}
