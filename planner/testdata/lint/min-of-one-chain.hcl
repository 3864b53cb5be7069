# Every stage is a base of the result: min has them all.
target "default" {
  dockerfile-inline = <<EOT
FROM golang AS deps
RUN go mod download
FROM deps AS build
RUN make
FROM build
RUN make test
EOT
  cache-to = ["type=local,dest=cache"]
}
