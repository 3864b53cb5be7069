target "app" {
  dynamic "cache-to" {
    for_each = ["a"]
    labels   = ["local"]
    content {
      dest = "a"
      moed = "max" # ERROR: Unknown cache attribute
    }
  }
}
