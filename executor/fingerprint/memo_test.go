package fingerprint_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/fingerprint"
	"golang.org/x/sys/unix"
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

// TestTheMemoDoesNotTrustFilesInUse writes to a file through memory, which leaves a trace in its status the first time only.
func TestTheMemoDoesNotTrustFilesInUse(t *testing.T) {
	t.Parallel()
	// In memory no page is ever cleaned.
	dir, err := os.MkdirTemp("/dev/shm", "context")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := newWorld(t)
	w.try(os.CopyFS(dir, os.DirFS(w.path("assets"))))
	w.contexts["assets"] = dir
	f, err := os.OpenFile(filepath.Join(dir, "logo"), os.O_RDWR, 0)
	w.try(err)
	memory, err := unix.Mmap(int(f.Fd()), 0, len("logo"), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	w.try(err)
	w.try(f.Close())
	copy(memory, "lago")
	time.Sleep(2100 * time.Millisecond)
	before := w.print()
	copy(memory, "ogol")
	if after := w.print(); after.Digest == before.Digest {
		t.Error("what was written through memory went unnoticed")
	}
	w.try(unix.Munmap(memory))
}

// TestUntouched tells a file that is again what it was from one that was left alone.
func TestUntouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.print()
	if !before.Same(w.print()) {
		t.Error("files that were left alone count as written")
	}
	for _, name := range []string{"src/main", "Dockerfile", ".dockerignore"} {
		before = w.print()
		raw, err := os.ReadFile(w.path(name))
		w.try(err)
		w.write(name, "another")
		w.write(name, string(raw))
		if after := w.print(); after.Digest != before.Digest || before.Same(after) {
			t.Errorf("%s was written, and counts as left alone", name)
		}
	}
	w.write("elsewhere/file", "changed")
	if before = w.print(); !before.Same(w.print()) {
		t.Error("a file that nothing copies counts")
	}
}
