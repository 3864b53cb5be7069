# One reference has many spellings.
group "default" {
  targets = ["api", "web"]
}
target "api" {
  cache-to "registry" {
    ref = "docker.io/library/cache"
  }
}
target "web" {
  cache-to = ["type=registry,ref=cache:latest"] # ERROR: Cache written twice
}
