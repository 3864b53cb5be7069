builder "b" { # ERROR: Missing attribute
}
target "app" {}
