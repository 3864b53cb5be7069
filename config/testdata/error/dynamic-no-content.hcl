target "app" {
  dynamic "cache-to" { # ERROR: Missing block
    for_each = ["a"]
    labels   = ["local"]
  }
}
