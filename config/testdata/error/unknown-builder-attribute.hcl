builder "b" {
  endpoint = "unix:///x.sock"
  adress   = "y" # ERROR: Unknown attribute
}
target "app" {}
