package fingerprint_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/fingerprint"
)

// TestTheMemoIsNotTrustedAgainstTheStatus changes a file behind the back of its size and modification time, after its digest was remembered.
func TestTheMemoIsNotTrustedAgainstTheStatus(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"same size and time": func(w *world) {
			st, err := os.Stat(w.path("src/main"))
			w.try(err)
			w.try(os.WriteFile(w.path("src/main"), []byte("niam"), 0o644))
			w.try(os.Chtimes(w.path("src/main"), st.ModTime(), st.ModTime()))
		},
		"another file of the same size and time in its place": func(w *world) {
			st, err := os.Stat(w.path("src/main"))
			w.try(err)
			w.write("elsewhere/main", "niam")
			w.try(os.Chtimes(w.path("elsewhere/main"), st.ModTime(), st.ModTime()))
			w.rename("elsewhere/main", "src/main")
		},
		"two files of the same size and time exchanged": func(w *world) {
			at := time.Unix(1_700_000_000, 0)
			w.try(os.Chtimes(w.path("src/lib/a"), at, at))
			w.try(os.Chtimes(w.path("src/lib/b"), at, at))
			w.rename("src/lib/a", "src/lib/t")
			w.rename("src/lib/b", "src/lib/a")
			w.rename("src/lib/t", "src/lib/b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			time.Sleep(2100 * time.Millisecond) // only files that were left alone for a while are remembered
			before := w.print()
			if again := w.print(); again.Digest != before.Digest {
				t.Fatal("the fingerprint is another one without a change")
			}
			change(w)
			if after := w.print(); after.Digest == before.Digest {
				t.Error("the change went unnoticed")
			}
		})
	}
}

// TestADamagedMemoIsNotUsed writes rubbish and other people's digests where digests are remembered.
func TestADamagedMemoIsNotUsed(t *testing.T) {
	w := newWorld(t)
	time.Sleep(2100 * time.Millisecond)
	before := w.print()
	list, err := filepath.Glob(filepath.Join(filepath.Dir(w.dir), "memo", "*.memo"))
	if err != nil || len(list) == 0 {
		t.Fatalf("nothing was remembered: %v", err)
	}
	for _, path := range list {
		w.try(os.WriteFile(path, []byte("rubbish"), 0o600))
	}
	if after := w.print(); after.Digest != before.Digest {
		t.Error("a damaged memo changed the fingerprint")
	}
	if err := fingerprint.NewMemo("/dev/null/nowhere").Save(); err != nil {
		t.Errorf("a memo without a directory that learned nothing fails: %v", err)
	}
}
