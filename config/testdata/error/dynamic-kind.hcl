target "app" {
  dynamic "output" { # ERROR: Invalid dynamic block
    for_each = ["a"]
    labels   = ["local"]
    content {}
  }
}
