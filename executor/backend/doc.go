// Package backend says what a place that caches are kept in can do: Source and Destination.
//
// Each kind of place is a package below this one: registry and local, and inline for what images carry. Package locations opens them by their type,
// in one table; backendtest holds the suite that every backend passes. What is common to all of them (probing, pushing layers, merging) is
// written once, above, in package executor.
package backend
