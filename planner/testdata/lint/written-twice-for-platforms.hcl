# A target for each platform, and one place for all of them.
target "default" {
  name      = "app-${replace(platform, "/", "-")}"
  matrix    = { platform = ["linux/amd64", "linux/arm64"] }
  platforms = [platform]
  cache-to "s3" { # ERROR: Cache written twice
    bucket = "b"
    region = "r"
    name   = "app"
  }
}
