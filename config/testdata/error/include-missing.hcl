include "no/such/*.hcl" {} # ERROR: Missing file
target "app" {}
