variable "A" {
  defalt = 1 # ERROR: Unknown attribute
}
target "app" {}
