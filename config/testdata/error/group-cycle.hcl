group "default" { # ERROR: Group cycle
  targets = ["more"]
}
group "more" {
  targets = ["default"]
}
