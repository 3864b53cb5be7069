target "base" {}
target "app" {
  context = target.base.contextt # ERROR: Unknown attribute
}
