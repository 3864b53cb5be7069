target "app" {
  cache-from "local" { # ERROR: Missing cache attribute
  }
}
