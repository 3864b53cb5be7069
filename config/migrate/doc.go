// Package migrate writes Bake's files in the strict form of cache.hcl: caches as labelled blocks instead of strings and objects, and what Bake ignores
// as comments. Everything else stays as it is, in its order, with its comments.
//
// It changes text, guided by positions of the parser; it evaluates nothing itself. Package config says what a text means, before and after, and what
// does not come out the same is left in its old form.
package migrate
