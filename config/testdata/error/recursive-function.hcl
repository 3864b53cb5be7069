function "f" {
  params = [x]
  result = f(x)
}
target "app" {
  args = { A = f("1") } # ERROR: Error in function call
}
