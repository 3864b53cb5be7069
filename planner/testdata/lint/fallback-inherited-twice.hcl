# One entry that comes along two ways is one entry.
target "_common" {
  cache-from = ["type=registry,ref=registry.example.com/common:main"]
}
target "_a" {
  inherits = ["_common"]
}
target "_b" {
  inherits = ["_common"]
}
target "default" {
  inherits = ["_a", "_b"]
}
