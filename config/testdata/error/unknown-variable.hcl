variable "BRANCH" {}
target "app" {
  args = { B = BRNCH } # ERROR: Unknown variable
}
