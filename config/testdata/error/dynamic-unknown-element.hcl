target "app" {
  dynamic "cache-to" {
    for_each = ["a"]
    labels   = ["local"]
    content {
      dest = region.value # ERROR: Unknown variable
    }
  }
}
