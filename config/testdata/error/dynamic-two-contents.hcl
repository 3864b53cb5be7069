target "app" {
  dynamic "cache-to" {
    for_each = ["a"]
    labels   = ["local"]
    content { dest = "a" }
    content { dest = "b" } # ERROR: Duplicate block
  }
}
