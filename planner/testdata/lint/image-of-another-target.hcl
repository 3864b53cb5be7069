group "default" {
  targets = ["api", "web"]
}
target "api" {
  tags = ["docker.io/example/app"]
}
target "web" {
  cache-to = ["type=registry,ref=example/app:latest"] # WARN: Cache at the reference of an image
}
