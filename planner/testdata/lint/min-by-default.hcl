# mode is min where it is not written; a mount takes from a stage too, and the stage's name hangs on an argument.
target "default" {
  args              = { BASE = "plain" }
  dockerfile-inline = <<EOT
ARG BASE=debug
FROM alpine AS plain
RUN apk add make
FROM alpine AS debug
FROM golang AS assets
RUN make assets
FROM $BASE
RUN --mount=type=bind,from=assets,target=/assets cp -r /assets /out
EOT
  cache-to = ["type=local,dest=cache"] # WARN: Stages left out of the cache
}
