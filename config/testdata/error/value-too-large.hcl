variable "A" { default = format("%1000000s", "x") }
variable "B" { default = [A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A] } # ERROR: Value too large
target "app" {}
