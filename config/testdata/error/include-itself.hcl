include "cache.hcl" {} # ERROR: Include cycle
target "app" {}
