// Package backendtest holds the suite that every backend passes: what the executor relies on, whatever a location is made of.
//
// A backend's own tests describe the place to the suite with a Harness and call Run. Formats, faults of one protocol and the like are tested
// beside the backend.
package backendtest
