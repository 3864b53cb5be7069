target "default" {
  cache-to = [
    "type=local,dest=cache",
    "type=local,dest=./cache/,mode=max", # ERROR: Cache written twice
  ]
}
