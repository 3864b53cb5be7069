target "app" {
  dynamic "cache-to" {
    for_each = ["a"]
    labels   = ["local", "registry"] # ERROR: Unsuitable value
    content { dest = "a" }
  }
}
