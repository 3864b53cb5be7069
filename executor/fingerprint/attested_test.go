package fingerprint_test

import "testing"

// TestProvenanceSaysWhatABuildWasGiven changes what decides no step and stands in an image's provenance, in its long form or in all.
func TestProvenanceSaysWhatABuildWasGiven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attest        string
		change        func(*world)
		image, wanted bool
	}{
		"argument in the long form":      {"mode=max", func(w *world) { w.set(`NOBODY = "1"`, `NOBODY = "2"`) }, true, true},
		"argument in the usual form":     {"", func(w *world) { w.set(`NOBODY = "1"`, `NOBODY = "2"`) }, true, true},
		"argument in the short form":     {"mode=min", func(w *world) { w.set(`NOBODY = "1"`, `NOBODY = "2"`) }, true, false},
		"argument without provenance":    {"disabled=true", func(w *world) { w.set(`NOBODY = "1"`, `NOBODY = "2"`) }, true, false},
		"argument without an image":      {"mode=max", func(w *world) { w.set(`NOBODY = "1"`, `NOBODY = "2"`) }, false, false},
		"name of the stage":              {"mode=min", func(w *world) { w.body += "  target = \"final\"\n" }, true, true},
		"name of the stage, not told of": {"disabled=true", func(w *world) { w.body += "  target = \"final\"\n" }, true, false},
		"directory":                      {"mode=max", (*world).move, true, false},
		"newer base images asked for":    {"mode=max", func(w *world) { w.body += "  pull = true\n" }, true, false},
		"kind of provenance":             {"mode=max", func(w *world) { w.set("mode=max", "mode=min") }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.body += "  attest = [\"type=provenance," + c.attest + "\"]\n"
			if c.attest == "" {
				w.body = w.replaced(w.body, ",\"]", "\"]")
			}
			if c.image {
				w.body += "  tags = [\"127.0.0.1:1/app\"]\n  output = [\"type=image,push=true\"]\n"
			}
			before := w.print()
			if !before.Pinned() {
				t.Fatal(before.Unpinned)
			}
			c.change(w)
			if after := w.print(); (after.Digest != before.Digest) != c.wanted {
				t.Errorf("the fingerprint is another one: %t, want %t", !c.wanted, c.wanted)
			}
		})
	}
}
