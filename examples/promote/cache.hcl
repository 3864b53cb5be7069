# Promotion: the cache of a merged branch becomes main's, and a copy goes to a directory. No builder takes part: layers are mounted from one
# repository to the other or copied, never built.
#
#   BRANCH=feature/login cachectl apply -f examples/promote/cache.hcl

variable "BRANCH" {
  type    = string
  default = "feature/login"
}

variable "ARCHIVE" {
  type    = string
  default = "promoted-cache"
}

registry "localhost:5053" {
  embedded = true
}

transfer "api" {
  # Several sources are merged: what main has stays.
  cache-from "registry" {
    ref = "localhost:5053/app/api:${sanitize_ref(BRANCH)}"
  }
  cache-from "registry" {
    ref = "localhost:5053/app/api:main"
  }

  cache-to "registry" {
    ref = "localhost:5053/app/api:main"
  }
  cache-to "local" {
    dest = ARCHIVE
  }
}
