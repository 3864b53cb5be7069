# The stage is another target's result here: nothing of it is built.
target "default" {
  contexts          = { build = "docker-image://example/build" }
  dockerfile-inline = <<EOT
FROM golang AS build
RUN make
FROM scratch
COPY --from=build /app /app
EOT
  cache-to = ["type=local,dest=cache"]
}
