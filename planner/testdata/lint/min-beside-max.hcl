# Another destination has all stages.
target "default" {
  dockerfile-inline = <<EOT
FROM golang AS build
RUN make
FROM scratch
COPY --from=build /app /app
EOT
  cache-to = ["type=local,dest=small", "type=local,dest=large,mode=max"]
}
