target "a/b" { # ERROR: Invalid target name
}
