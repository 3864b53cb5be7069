# The stage that is built copies from nobody; the last one would.
target "default" {
  target            = "build"
  dockerfile-inline = <<EOT
FROM golang AS build
RUN make
FROM scratch
COPY --from=build /app /app
EOT
  cache-to = ["type=local,dest=cache"]
}
