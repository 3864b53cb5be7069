target "app" {
  context = target.base.context # ERROR: Unknown target
}
