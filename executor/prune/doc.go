// Package prune takes from caches what a retention policy does not let stay, and from the places they are kept at what nothing needs any more.
//
// It works on one store after another: a repository, a directory, a bucket. The caches of a store that one policy governs share its limits.
// What goes is decided by package cache; here caches are read, smaller ones published under the same names (again, if somebody else published
// meanwhile), names removed, and blobs swept in two phases: what nothing needs is marked, and what was marked a grace period ago and is still
// not needed is deleted.
package prune
