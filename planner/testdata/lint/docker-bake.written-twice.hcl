# Bake lets two targets write one cache; the last one wins.
group "default" {
  targets = ["api", "web"]
}
target "_common" {
  cache-to = ["type=s3,bucket=b,region=r"] # WARN: Cache written twice
}
target "api" {
  inherits = ["_common"]
}
target "web" {
  inherits = ["_common"]
}
