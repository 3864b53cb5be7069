target "app" {
  shm-size = "lots" # ERROR: Unsuitable value
}
