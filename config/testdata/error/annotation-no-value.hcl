target "app" {
  annotations = ["org.example.note"] # ERROR: Unsuitable value
}
