target "app" {
  attest = ["mode=max"] # ERROR: Unsuitable value
}
