package cache_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
)

// TestANoteIsTrueOnlyOfWhatItWasWrittenBeside replaces what a manifest with a note refers to and keeps its annotations, as other tools do.
func TestANoteIsTrueOnlyOfWhatItWasWrittenBeside(t *testing.T) {
	const note = `{"app":"made of this"}`
	c := fixture(t, "multistage/max")
	for _, image := range []bool{true, false} {
		enc, err := c.WithNote(note).Encode(cache.Format{Mode: cache.ModeMax, OCI: true, ImageManifest: image})
		if err != nil {
			t.Fatal(err)
		}
		other := digest.FromString("another").String()
		first, second := enc.Layers[0].Digest.String(), enc.Layers[1].Digest.String()
		for name, c := range map[string]struct{ change, want string }{
			"as it was":          {string(enc.Manifest), note},
			"another config":     {strings.ReplaceAll(string(enc.Manifest), enc.ConfigDesc.Digest.String(), other), ""},
			"another layer":      {strings.ReplaceAll(string(enc.Manifest), first, other), ""},
			"layers exchanged":   {strings.NewReplacer(first, second, second, first).Replace(string(enc.Manifest)), ""},
			"a layer gone":       {without(t, enc.Manifest, first), ""},
			"nothing to compare": {strings.ReplaceAll(string(enc.Manifest), cache.AnnotationNoteOf, "org.example.other"), ""},
		} {
			m, err := cache.ParseManifest(enc.ManifestDesc.MediaType, []byte(c.change))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if m.Note != c.want {
				t.Errorf("image manifest %t, %s: the note is %q, want %q", image, name, m.Note, c.want)
			}
		}
	}
}

// without is a manifest or an index without one of its layers.
func without(t *testing.T, manifest []byte, layer string) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(manifest, &doc); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"layers", "manifests"} {
		var rest []any
		entries, _ := doc[list].([]any)
		for _, e := range entries {
			if d, _ := e.(map[string]any); d["digest"] != layer {
				rest = append(rest, e)
			}
		}
		if rest != nil {
			doc[list] = rest
		}
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
