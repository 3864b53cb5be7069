target "app" {
  dynamic "cache-to" {
    for_each = ["a"]
    iterator = "region" # ERROR: Invalid iterator
    labels   = ["local"]
    content { dest = "a" }
  }
}
