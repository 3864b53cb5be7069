targt "app" { # ERROR: Unknown block
}
