target "app" {
  annotations = ["layer:org.example.note=x"] # ERROR: Unsuitable value
}
