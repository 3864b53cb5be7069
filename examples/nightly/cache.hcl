# A scheduled rebuild, so that the first build of the day hits: cron or CI runs `cachectl apply -f examples/nightly/cache.hcl --schedule nightly`,
# or `cachectl schedule run -f examples/nightly/cache.hcl` stays and keeps the time itself.
# The cache goes to two places at once, is built and compressed once, and a destination that is down does not fail the night.
# `cachectl prune -f examples/nightly/cache.hcl` afterwards keeps both places small.

variable "BUSYBOX" {
  default = "/bin"
}

variable "MIRROR" {
  type        = string
  default     = "nightly-cache"
  description = "a directory, for instance one that is synced to the build machines"
}

registry "localhost:5052" {
  embedded = true
}

# What prune leaves, at each place: what was made or built upon in the last two weeks, and no more than 20 GB of it. Nothing is ever taken from main.
retention "team" {
  max-idle = "14d"
  max-size = "20GB"
  keep     = ["main"]
}

schedule "nightly" {
  cron     = "0 3 * * 1-5"
  timezone = "Europe/Berlin"
  targets  = ["default"]
  pull     = true
}

target "default" {
  context    = "examples/first/api"
  dockerfile = "../Dockerfile"
  contexts   = { busybox = BUSYBOX }

  # Start from nothing, so that what the night publishes is what the sources say today.
  no-cache = true

  cache-to "registry" {
    ref         = "localhost:5052/nightly/api:main"
    mode        = "max"
    compression = "zstd"
    on-conflict = "overwrite"
  }

  cache-to "local" {
    dest         = MIRROR
    mode         = "max"
    on-conflict  = "overwrite"
    ignore-error = true
  }
}
