# A target that reads what another writes in the run waits for it; one that reads its own cache does not wait for itself.
target "base" {
  cache-from = ["registry.example.com/base:main"]
  cache-to   = ["registry.example.com/base:main"]
}
target "app" {
  cache-from = ["registry.example.com/base:main", "registry.example.com/app:main"]
  cache-to   = ["registry.example.com/app:main"]
}
transfer "archive" {
  cache-from "registry" {
    ref = "registry.example.com/app:main"
  }
  cache-to "local" {
    dest = "archive"
  }
}
