target "app" {
  output = ["type=tar", "type=oci"] # ERROR: Invalid value
}
