target "base" {
  platforms = ["linux/amd64", "linux/arm64"]
}
target "default" {
  platforms = ["linux/amd64", "linux/riscv64"]
  contexts  = { base = "target:base" } # ERROR: Platform mismatch
}
