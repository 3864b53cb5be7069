// Package build is the BuildKit client: it finds or starts a builder, solves one target and bridges the cache export to the
// executor. It is the only package that imports moby/buildkit/client.
package build
