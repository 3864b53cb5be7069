target "app" {
  secret = ["id=token,type=vault"] # ERROR: Unsuitable value
}
