target "a" {
  inherits = ["b"] # ERROR: Inheritance cycle
}
target "b" {
  inherits = ["a"]
}
