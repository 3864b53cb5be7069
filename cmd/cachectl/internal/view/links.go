package view

import (
	"iter"
	"maps"
	"slices"

	"github.com/cachectl/cachectl/config"
)

// sortedLinks yields named contexts and the targets they are, by context name.
func sortedLinks(links map[string]*config.Target) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(links)) {
			if !yield(name, links[name].Name) {
				return
			}
		}
	}
}
