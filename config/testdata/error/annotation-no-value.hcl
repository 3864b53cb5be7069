target "app" {
  annotations = ["org.example.note"] # ERROR: Invalid value
}
