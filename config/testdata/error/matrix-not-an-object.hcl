target "app" {
  name   = "a"
  matrix = ["a"] # ERROR: Invalid matrix
}
