// Package schema is the language of cache.hcl as data: every block and every attribute once, with its type, merge rule,
// --set form, default, environment fallback and documentation.
//
// Decoding (package config), the reference page in docs/, cache.schema.json, completion and `cachectl print` are derived from
// these tables, so that an attribute is added in one place. The package knows nothing of files, evaluation or BuildKit.
package schema
