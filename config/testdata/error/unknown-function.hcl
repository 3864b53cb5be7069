target "app" {
  args = { B = sanitise_ref("x") } # ERROR: Call to unknown function
}
