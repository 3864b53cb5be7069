# The same place in another spelling. (The same in the same spelling is one entry.)
target "default" {
  cache-from = [
    "type=registry,ref=registry.example.com/app",
    "type=registry,ref=registry.example.com/app:next",
    "type=registry,ref=registry.example.com/app:latest", # WARN: Unreachable cache source
  ]
}
