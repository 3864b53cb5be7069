target "app" {
  dynamic "cache-to" {
    for-each = ["a"] # ERROR: Unknown attribute
    for_each = ["a"]
    labels   = ["local"]
    content { dest = "a" }
  }
}
