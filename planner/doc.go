// Package planner turns a resolved configuration into a Plan: which sources are imported, which targets are built, which
// destinations are written, and what waits for what.
//
// It is pure and deterministic: the same input gives the same bytes at any GOMAXPROCS. It does no I/O; what a registry or a
// builder answers belongs to package executor.
package planner
