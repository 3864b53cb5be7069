variable "NOW" { default = timestamp() }
target "app" {
  cache-to "registry" {
    ref = "registry.example/app:${formatdate("YYYYMMDD", NOW)}" # WARNING: Cache key changes in every run
  }
}
