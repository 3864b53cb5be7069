registry "localhost:5000" {
  embeded = true # ERROR: Unknown attribute
}
target "app" {}
