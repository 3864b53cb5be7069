// Package function is the function library of the configuration language.
//
// Library returns the functions by name: the library of Docker Bake v0.37 (github.com/docker/buildx, bake/hclparser/stdlib.go),
// with the same names, arguments and results, and those of cachectl: file, fileexists, filehash, glob, env, git_branch, git_sha and
// sanitize_ref. Most of Bake's come from cty's standard library and from hashicorp/go-cty-funcs, as they do there.
//
// A configuration file may be hostile, so every function is bounded: the constants in limits.go say how much a call may be given,
// produce and cost, and a call beyond them is an error. The evaluator itself needs the same bound for operators and templates;
// Check offers it.
//
// What a function knows of the world (clock, home directory, environment, randomness, files) comes in through Options.
package function
