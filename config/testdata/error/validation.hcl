variable "A" {
  default = "x"
  validation {
    condition     = A == "y" # ERROR: Validation failed
    error_message = "A must be y."
  }
}
target "app" {}
