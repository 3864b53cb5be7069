target "app" {
  dynamic "cache-to" { # ERROR: Missing attribute
    labels = ["local"]
    content { dest = "a" }
  }
}
