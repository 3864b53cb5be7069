target "a" {
  contexts = { b = "target:b" } # ERROR: Link cycle
}
target "b" {
  contexts = { a = "target:a" } # ERROR: Link cycle
}
