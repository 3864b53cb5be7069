group "default" {
  targets = ["app", "promote"]
}
target "app" {
  cache-to "registry" {
    ref = "registry.example.com/app:released"
  }
}
transfer "promote" {
  cache-from "registry" {
    ref = "registry.example.com/app:next"
  }
  cache-to "registry" { # ERROR: Cache written twice
    ref = "registry.example.com/app:released"
  }
}
