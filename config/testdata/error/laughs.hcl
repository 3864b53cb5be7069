variable "A" { default = join("", [for i in range(1000) : "ha ha ha ha"]) }
variable "B" { default = [A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A] }
variable "C" { default = [B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B] }
variable "D" { default = [C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C] } # ERROR: Value too large
target "app" {
  args = { N = length(D) }
}
