target "app" {
  cache-to = [{ type = "registry", ref = "a/b", compresion = "zstd" }] # ERROR: Unknown cache attribute
}
