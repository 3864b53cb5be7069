package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
)

func probed(t *testing.T, dir string) map[string]backend.Finding {
	t.Helper()
	found := map[string]backend.Finding{}
	if err := openAt(t, "", map[string]string{"dest": dir}).Probe(t.Context(), func(f backend.Finding) { found[f.Feature] = f }); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAProbeLeavesTheDirectoryAsItIs(t *testing.T) {
	parent := t.TempDir()
	root := publish(t, filepath.Join(parent, "cache"), "", "kept")
	for _, dir := range []string{"cache", "new", "new/below"} {
		found := probed(t, filepath.Join(parent, dir))
		for _, feature := range []string{"write", "replace", "lock", "clean-up"} {
			if f := found[feature]; f.Answer != backend.Yes {
				t.Errorf("%s in %s: %s (%s)", feature, dir, f.Answer, f.Seen)
			}
		}
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if now := (layout{filepath.Join(parent, "cache")}).tag(t, "latest"); now != root.Digest {
		t.Errorf("the cache is %s now", now)
	}
}

func TestAProbeSaysThatADirectoryCannotBeWritten(t *testing.T) {
	// Below a file nobody can make a directory, whoever runs the test.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := probed(t, filepath.Join(file, "cache"))["write"]
	if f.Answer != backend.No || f.Err == nil {
		t.Errorf("%+v", f)
	}
}
