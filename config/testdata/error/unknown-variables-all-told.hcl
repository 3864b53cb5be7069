target "app" {
  args = { A = ONE } # ERROR: Unknown variable
  tags = [TWO]       # ERROR: Unknown variable
}
