// Package backend opens cache locations: it maps the type of a cache source or destination to the package that speaks to it,
// in one table.
//
// A backend supplies a Location; what is common to all of them (probing, pushing layers, publishing) is written once, above it.
// backendtest holds the suite that every backend passes.
package backend
