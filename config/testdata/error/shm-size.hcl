target "app" {
  shm-size = "lots" # ERROR: Invalid value
}
