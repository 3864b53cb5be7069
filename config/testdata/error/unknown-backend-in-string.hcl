target "app" {
  cache-to = ["type=registy,ref=a/b"] # ERROR: Unknown cache backend
}
