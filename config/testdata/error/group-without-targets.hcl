group "default" { # ERROR: Missing attribute
}
