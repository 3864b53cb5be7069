# Two targets publish to one place: the second replaces or joins what the first wrote.
group "default" {
  targets = ["api", "web"]
}
target "api" {
  cache-to "registry" {
    ref = "registry.example.com/cache:main"
  }
}
target "web" {
  cache-to "registry" { # ERROR: Cache written twice
    ref = "registry.example.com/cache:main"
  }
}
