target "app" { # ERROR: Duplicate target
  name   = "same"
  matrix = { n = ["a", "b"] }
}
