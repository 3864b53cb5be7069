target "app" {
  cache-from "registry" {
    ref  = "a/b"
    mode = "max" # ERROR: Misplaced cache attribute
  }
}
