retention "team" {}
retention "team" {} # ERROR: Duplicate block
target "app" {}
