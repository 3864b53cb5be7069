target "app" {
  output = ["type=image,push=true,name=registry.example.com/app:v1"]
}
target "other" {
  cache-to = ["registry.example.com/app:v1"] # ERROR: Cache in place of an image
}
