target "app" {
  annotations = ["layer:org.example.note=x"] # ERROR: Invalid value
}
