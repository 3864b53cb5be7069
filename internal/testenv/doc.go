// Package testenv starts the real things that tests run against: buildkitd and registries, on loopback, each with state of its own that goes
// when the test ends. What is not there fails the test and says how to get it; nothing is skipped.
package testenv
