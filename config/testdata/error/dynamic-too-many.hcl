target "app" {
  dynamic "cache-to" {
    for_each = range(1001) # ERROR: Too many blocks
    labels   = ["local"]
    content { dest = "a" }
  }
}
