# A monorepo: six services built from one Dockerfile by a matrix, on two base targets that all of them share.
# Each service has a cache of its own per branch, and falls back to main's.
#
#   cachectl apply -f examples/monorepo/cache.hcl             all services
#   cachectl apply -f examples/monorepo/cache.hcl backend     one group
#   BRANCH=feature/login cachectl apply -f …                  a branch: reads its own cache, then main's

variable "BRANCH" {
  type    = string
  default = "main"

  validation {
    condition     = BRANCH != ""
    error_message = "BRANCH must name the branch that is built."
  }
}

variable "CACHE" {
  type        = string
  default     = "localhost:5051/monorepo"
  description = "the repository prefix of the caches"
}

variable "BUSYBOX" {
  default = "/bin"
}

registry "localhost:5051" {
  embedded = true
}

function "cache" {
  params = [name, branch]
  result = "${CACHE}/${name}:${sanitize_ref(branch)}"
}

group "default" {
  targets = ["backend", "frontend"]
}

group "backend" {
  targets = ["svc-api", "svc-auth", "svc-billing", "svc-search"]
}

group "frontend" {
  targets = ["svc-web", "svc-mailer"]
}

# The base targets are built once however many services use them; nothing of them is published on its own.
target "base" {
  context  = "examples/monorepo/platform"
  target   = "base"
  contexts = { busybox = BUSYBOX }
}

target "sdk" {
  context  = "examples/monorepo/platform"
  target   = "sdk"
  contexts = { busybox = BUSYBOX }
}

target "service" {
  name   = "svc-${svc}"
  matrix = { svc = ["api", "auth", "billing", "search", "web", "mailer"] }

  context    = "examples/monorepo/services/${svc}"
  dockerfile = "../Dockerfile"
  args       = { SERVICE = svc }
  contexts = {
    base = "target:base"
    sdk  = "target:sdk"
  }

  # The branch's cache, then main's. Each step is taken from whichever has it.
  cache-from = [cache(svc, BRANCH), cache(svc, "main")]

  cache-to "registry" {
    ref         = cache(svc, BRANCH)
    mode        = "max"
    compression = "zstd"
  }
}
