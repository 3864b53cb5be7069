variable "A" {
  type    = number
  default = "x" # ERROR: Invalid default
}
target "app" {}
