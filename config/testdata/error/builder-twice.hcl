builder "ci" {
  endpoint = "tcp://builder.example:1234"
}
builder "ci" { # ERROR: Duplicate block
  endpoint = "tcp://other.example:1234"
}
target "app" {}
