target "app" {
  output = ["type=tar", "type=oci"] # ERROR: Unsuitable value
}
