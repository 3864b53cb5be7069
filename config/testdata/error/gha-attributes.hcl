target "app" {
  cache-to "gha" {
    version    = "3"        # ERROR: Invalid cache attribute
    timeout    = "soon"     # ERROR: Invalid cache attribute
    scope      = "a,b"      # ERROR: Invalid cache attribute
    url_v2     = "results"  # ERROR: Invalid cache attribute
    repository = "https://github.com/team/app" # ERROR: Invalid cache attribute
  }
}
