transfer "t" {
  cache-from "s3" { # ERROR: Cache cannot be transferred
    bucket = "b"
    region = "r"
  }
  cache-to "registry" {
    ref = "a/b"
  }
}
