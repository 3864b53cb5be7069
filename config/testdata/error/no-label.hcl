target { # ERROR: Missing label
}
