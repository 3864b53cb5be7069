target "app" {
  name     = "app-${os}"
  matrix   = { os = ["a", "b"] }
  cache-to = ["type=gha,scope=app"] # ERROR: Cache written twice
}
