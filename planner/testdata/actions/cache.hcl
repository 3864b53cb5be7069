# A build in a job of GitHub Actions, whose cache is then kept in a registry too.
target "app" {
  context = "app"
  cache-from "gha" {
    scope = "app"
  }
  cache-from "registry" {
    ref = "registry.example/app:cache"
  }
  cache-to "gha" {
    scope       = "app"
    mode        = "max"
    compression = "zstd"
  }
}

transfer "keep" {
  cache-from "gha" {
    scope = "app"
  }
  cache-to "registry" {
    ref = "registry.example/app:main"
  }
}

transfer "seed" {
  cache-from "registry" {
    ref = "registry.example/tools:cache"
  }
  cache-to "gha" {
    scope  = "tools"
    url_v2 = "https://results.example/"
  }
}
