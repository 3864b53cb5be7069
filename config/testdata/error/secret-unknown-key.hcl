target "app" {
  secret = ["id=token,target=/run/x"] # ERROR: Unsuitable value
}
