include "[" {} # ERROR: Invalid path
target "app" {}
