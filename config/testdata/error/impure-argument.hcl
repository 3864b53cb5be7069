target "app" {
  args = { BUILD_ID = uuidv4() } # WARNING: Cache key changes in every run
}
