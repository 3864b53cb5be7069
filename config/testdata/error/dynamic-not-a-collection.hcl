target "app" {
  dynamic "cache-to" {
    for_each = 7 # ERROR: Unsuitable value
    labels   = ["local"]
    content { dest = "a" }
  }
}
