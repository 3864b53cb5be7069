package view

import (
	"github.com/cachectl/cachectl/executor/build"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// tally counts the steps of a target's Dockerfile. The frontend can give one step several vertices: it has ended when all have, and was cached when
// none was executed.
type tally map[string]map[digest.Digest]stepState

type stepState struct{ cached, ended bool }

// take notes what a vertex has come to; name is the builder's own, without a target before it.
func (t tally) take(name string, v *client.Vertex) {
	if v.Started == nil || !build.IsStep(name) {
		return
	}
	if t[name] == nil {
		t[name] = map[digest.Digest]stepState{}
	}
	// What came from a cache is told of again, as if it were executed, while its layers are pulled.
	cached := v.Error == "" && (v.Cached || t[name][v.Digest].cached)
	t[name][v.Digest] = stepState{cached: cached, ended: v.Completed != nil}
}

// count returns how many steps have ended and how many of them were cached.
func (t tally) count() (ended, cached int) {
	for _, vertices := range t {
		allEnded, allCached := true, true
		for _, s := range vertices {
			allEnded, allCached = allEnded && s.ended, allCached && s.cached
		}
		if allEnded {
			ended++
		}
		if allCached {
			cached++
		}
	}
	return ended, cached
}
