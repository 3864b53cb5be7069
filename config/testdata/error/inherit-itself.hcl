target "a" {
  inherits = ["a"] # ERROR: Inheritance cycle
}
