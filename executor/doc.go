// Package executor runs a Plan: it imports cache sources, builds targets, merges, transcodes and publishes, with an errgroup over
// the DAG, and returns a Report.
//
// A failed step skips its dependents and nothing else. Nothing in here prints: what happens is told as Events, how it ended as
// the Report.
package executor
