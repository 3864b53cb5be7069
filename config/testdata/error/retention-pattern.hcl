retention "team" {
  keep  = ["[main"] # ERROR: Unsuitable value
  names = [""]      # ERROR: Unsuitable value
}
target "app" {}
