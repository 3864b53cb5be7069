target "default" {
  no-cache = true
  cache-from "registry" { # WARN: Unreachable cache source
    ref = "registry.example.com/app:main"
  }
}
