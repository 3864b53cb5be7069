target "app" {
  name   = "t${a}${b}"
  matrix = { a = range(1000), b = range(1000) } # ERROR: Matrix too large
}
