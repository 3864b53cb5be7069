// Package compose reads Compose files as build definitions, the way Docker Bake v0.37 does (github.com/docker/buildx,
// bake/compose.go): a service with a build section is a target, its image the tag, and all services are the group "default".
//
// The result is in the terms of the configuration language, attribute names and values, so that package config merges it with
// what other files say. Nothing is resolved or checked against the machine here. The Compose specification itself is read by
// compose-go; what Bake cannot build (networks, volumes, ports …) is passed over before it is checked.
package compose
