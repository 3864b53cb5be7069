import "api" {} # ERROR: Missing attribute
target "app" {}
