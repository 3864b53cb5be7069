// Package config turns files into an evaluated, typed configuration that still knows where each value was written.
//
// Load reads HCL, JSON and Compose files and evaluates variables, functions, matrices and blocks; Config.Resolve applies
// inheritance, groups, links and --set and returns the targets that take part in a run. Every problem is an hcl.Diagnostic with a
// range; all of them are reported, sorted. The package does not know what a plan is and never talks to a registry or a builder.
package config
