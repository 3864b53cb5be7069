# The image of one platform replaces that of the other.
target "default" {
  name      = "app-${arch}"
  matrix    = { arch = ["amd64", "arm64"] }
  platforms = ["linux/${arch}"]
  tags      = ["registry.example.com/app:main"] # WARN: Image pushed twice
  output    = ["type=registry"]
}
