# Targets that read each other's caches do not wait: all read what was there before the run. c, which none of them reads, waits.
target "a" {
  cache-from = ["registry.example.com/b"]
  cache-to   = ["registry.example.com/a"]
}
target "b" {
  cache-from = ["registry.example.com/a"]
  cache-to   = ["registry.example.com/b"]
}
target "c" {
  cache-from = ["registry.example.com/a", "registry.example.com/b"]
}
