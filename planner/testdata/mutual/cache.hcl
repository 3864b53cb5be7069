# Two targets that read each other's cache cannot both wait: one does, the other reads what was there before.
target "a" {
  cache-from = ["registry.example.com/b"]
  cache-to   = ["registry.example.com/a"]
}
target "b" {
  cache-from = ["registry.example.com/a"]
  cache-to   = ["registry.example.com/b"]
}
