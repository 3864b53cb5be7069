variable "A" {
  default = B
}
variable "B" {
  default = A # ERROR: Reference cycle
}
target "app" {}
