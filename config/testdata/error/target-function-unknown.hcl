target "app" {
  tags = [uper("x")] # ERROR: Call to unknown function
}
