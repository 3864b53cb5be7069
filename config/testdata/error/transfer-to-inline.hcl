transfer "t" {
  cache-from "s3" {
    bucket = "b"
    region = "r"
  }
  cache-to "inline" { # ERROR: Cache cannot be transferred
  }
}
