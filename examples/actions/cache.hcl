# A job of GitHub Actions: caches live in GitHub's cache service, one for each target, so that a matrix of jobs does not write the same one. A branch
# reads main's caches besides its own. What a job of main has published goes to a registry too, where it outlives the service's ten gigabytes.
#
#   - uses: crazy-max/ghaction-github-runtime@v3   # hands the service's address and token on to run steps
#   - run: cachectl apply -f examples/actions/cache.hcl
#   - run: cachectl apply -f examples/actions/cache.hcl keep
#     if: github.ref == 'refs/heads/main'

variable "BUSYBOX" {
  default = "/bin"
}

registry "localhost:5054" {
  embedded = true
}

target "app" {
  name       = service
  matrix     = { service = ["api", "web"] }
  context    = "examples/first/${service}"
  dockerfile = "../Dockerfile"
  contexts   = { busybox = BUSYBOX }

  cache-from "gha" {
    scope = service
  }

  cache-to "gha" {
    scope       = service
    mode        = "max"
    compression = "zstd" # BuildKit itself has gzip only there
  }
}

group "default" {
  targets = ["app"]
}

transfer "keep" {
  # Several sources are merged.
  cache-from "gha" {
    scope = "api"
  }
  cache-from "gha" {
    scope = "web"
  }

  cache-to "registry" {
    ref  = "localhost:5054/first/cache:main"
    mode = "max"
  }
}
