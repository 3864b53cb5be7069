variable "N" {
  type    = number
  default = "many" # ERROR: Invalid default
}
target "app" {}
