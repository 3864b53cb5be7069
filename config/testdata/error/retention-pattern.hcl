retention "team" {
  keep  = ["[main"] # ERROR: Invalid value
  names = [""]      # ERROR: Invalid value
}
target "app" {}
