target "default" {
  dockerfile-inline = <<EOT
FROM golang AS build
RUN make
FROM scratch
COPY --from=build /app /app
EOT
  cache-to "registry" { # WARN: Stages left out of the cache
    ref  = "registry.example.com/app:main"
    mode = "min"
  }
}
