registry "localhost:5000" {}
registry "localhost:5000" {} # ERROR: Duplicate block
target "app" {}
