package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/gofrs/flock"
	"github.com/moby/buildkit/client/ociindex"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func publish(t testing.TB, dir, tag, seed string) ocispec.Descriptor {
	t.Helper()
	return backendtest.Publish(t, openAt(t, "", map[string]string{"dest": dir, "tag": tag}), backendtest.NewSample(t, seed, 2), ocispec.Descriptor{})
}

func TestBuildKitFindsWhatWasPublished(t *testing.T) {
	dir := t.TempDir()
	root := publish(t, dir, "", "seen by BuildKit")
	got, err := ociindex.NewStoreIndex(dir).Get("latest")
	if err != nil || got == nil || got.Digest != root.Digest {
		t.Errorf("BuildKit's index has %v, %v, want %s under latest", got, err, root.Digest)
	}
}

func TestWhatBuildKitTaggedIsFoundAndStays(t *testing.T) {
	dir := t.TempDir()
	other := publish(t, dir, "other", "other")
	// BuildKit tags it under a second name.
	if err := ociindex.NewStoreIndex(dir).Put(other, ociindex.Tag("by-buildkit")); err != nil {
		t.Fatal(err)
	}
	root := publish(t, dir, "main", "main")
	l := layout{dir}
	if l.tag(t, "by-buildkit") != other.Digest || l.tag(t, "other") != other.Digest || l.tag(t, "main") != root.Digest {
		t.Errorf("the index is %+v", l.index(t))
	}
	cur := backendtest.Read(t, openAt(t, "", map[string]string{"src": dir, "tag": "by-buildkit"}))
	if cur.Root.Digest != other.Digest {
		t.Errorf("read %s, want %s", cur.Root.Digest, other.Digest)
	}
}

func TestADigestIsReadWithoutTheIndex(t *testing.T) {
	dir := t.TempDir()
	root := publish(t, dir, "gone", "by digest")
	if err := os.Remove(filepath.Join(dir, "index.json")); err != nil {
		t.Fatal(err)
	}
	l := openAt(t, "", map[string]string{"src": dir, "digest": root.Digest.String()})
	if cur := backendtest.Read(t, l); cur.Root.Digest != root.Digest || cur.Root.Size != root.Size {
		t.Errorf("root is %+v, want %+v", cur.Root, root)
	}
	if err := l.Check(t.Context()); err == nil {
		t.Error("a digest was accepted as a place to publish to")
	}
	missing := openAt(t, "", map[string]string{"src": dir, "digest": digest.FromString("nothing").String()})
	if _, err := missing.Read(t.Context()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("another digest: %v, want ErrNotFound", err)
	}
}

func TestLinksDoNotLeadOut(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("a blob", func(t *testing.T) {
		dir := t.TempDir()
		publish(t, dir, "latest", "links")
		d := digest.FromString("kept")
		if err := os.Symlink(secret, layout{dir}.blob(d)); err != nil {
			t.Fatal(err)
		}
		l := openAt(t, "", map[string]string{"dest": dir})
		desc := ocispec.Descriptor{Digest: d, Size: 4}
		if has, err := l.Blobs().Has(t.Context(), desc); err != nil || has {
			t.Errorf("a link counts as the blob: %v, %v", has, err)
		}
		if _, err := l.Blobs().(blob.Fetcher).Fetch(t.Context(), desc); err == nil {
			t.Error("a link was opened")
		}
	})
	t.Run("the blobs directory", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Symlink(outside, filepath.Join(dir, "blobs")); err != nil {
			t.Fatal(err)
		}
		s := backendtest.NewSample(t, "escape", 1)
		if _, err := openAt(t, "", map[string]string{"dest": dir}).Publish(t.Context(), s.Cache, ocispec.Descriptor{}); err == nil {
			t.Error("published through a link that leads out")
		}
	})
	t.Run("the lock", func(t *testing.T) {
		dir := t.TempDir()
		target := filepath.Join(outside, "made")
		if err := os.Symlink(target, filepath.Join(dir, "index.json.lock")); err != nil {
			t.Fatal(err)
		}
		s := backendtest.NewSample(t, "escape", 1)
		if _, err := openAt(t, "", map[string]string{"dest": dir}).Publish(t.Context(), s.Cache, ocispec.Descriptor{}); err == nil {
			t.Error("locked through a link that leads out")
		}
		if _, err := os.Lstat(target); err == nil {
			t.Error("a file was made outside")
		}
	})
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside are %v, %v, want the secret alone", entries, err)
	}
}

func TestADamagedIndexIsSaidToBeAndKept(t *testing.T) {
	dir := t.TempDir()
	publish(t, dir, "latest", "damaged")
	file := filepath.Join(dir, "index.json")
	if err := os.WriteFile(file, []byte(`{"schemaVersion":2,"mani`), 0o644); err != nil {
		t.Fatal(err)
	}
	l := openAt(t, "", map[string]string{"dest": dir})
	if _, err := l.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("reading: %v", err)
	}
	if _, err := l.Publish(t.Context(), backendtest.NewSample(t, "damaged", 2).Cache, ocispec.Descriptor{}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("publishing: %v", err)
	}
	if raw, _ := os.ReadFile(file); string(raw) != `{"schemaVersion":2,"mani` {
		t.Errorf("the index was changed to %s", raw)
	}
}

func TestHostileIndexesAreRefused(t *testing.T) {
	for name, desc := range map[string]string{
		"a path for a digest":  `"digest":"sha256:../../../etc/passwd","size":1`,
		"no digest":            `"digest":"foo","size":1`,
		"a negative size":      `"digest":"` + digest.FromString("x").String() + `","size":-5`,
		"a size beyond limits": `"digest":"` + digest.FromString("x").String() + `","size":99999999999`,
	} {
		dir := t.TempDir()
		layout{dir}.write(t, []byte("x"))
		index := `{"schemaVersion":2,"manifests":[{` + desc + `,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}`
		if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openAt(t, "", map[string]string{"src": dir}).Read(t.Context()); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestPublishingWaitsForTheLock(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		held := flock.New(filepath.Join(dir, "index.json.lock"))
		if ok, err := held.TryLock(); err != nil || !ok {
			t.Fatal(ok, err)
		}
		done := make(chan error, 1)
		go func() {
			l, s := openAt(t, "", map[string]string{"dest": dir}), backendtest.NewSample(t, "waits", 1)
			backendtest.Push(t, l, s)
			_, err := l.Publish(t.Context(), s.Cache, ocispec.Descriptor{})
			done <- err
		}()
		time.Sleep(time.Minute)
		select {
		case err := <-done:
			t.Fatalf("published while the lock was held: %v", err)
		default:
		}
		if err := held.Unlock(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingForTheLockCanBeCancelled(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		held := flock.New(filepath.Join(dir, "index.json.lock"))
		if ok, err := held.TryLock(); err != nil || !ok {
			t.Fatal(ok, err)
		}
		defer held.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := openAt(t, "", map[string]string{"dest": dir}).Publish(ctx, backendtest.NewSample(t, "waits", 1).Cache, ocispec.Descriptor{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// Lock files are removed all the time, as BuildKit removes them; no tag may get lost by it.
func TestTagsSurviveALockThatIsRemoved(t *testing.T) {
	dir := t.TempDir()
	stop := make(chan struct{})
	var remover, writers sync.WaitGroup
	remover.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			// As BuildKit: only under the lock.
			l := flock.New(filepath.Join(dir, "index.json.lock"))
			if ok, err := l.TryLock(); ok && err == nil {
				_ = os.Remove(filepath.Join(dir, "index.json.lock"))
				_ = l.Unlock()
			}
		}
	})
	tags := []string{"a", "b", "c", "d"}
	for _, tag := range tags {
		writers.Go(func() {
			var root ocispec.Descriptor
			for range 5 {
				l := openAt(t, "", map[string]string{"dest": dir, "tag": tag})
				s := backendtest.NewSample(t, tag, 1)
				backendtest.Push(t, l, s)
				desc, err := l.Publish(t.Context(), s.Cache, root)
				if err != nil {
					t.Errorf("%s: %v", tag, err)
					return
				}
				root = desc
			}
		})
	}
	writers.Wait()
	close(stop)
	remover.Wait()
	for _, tag := range tags {
		if (layout{dir}).tag(t, tag) == "" {
			t.Errorf("tag %s is lost", tag)
		}
	}
}

func TestAbandonedPartsAreSweptWhenTheyAreOld(t *testing.T) {
	dir := t.TempDir()
	publish(t, dir, "latest", "sweep")
	blobs := filepath.Join(dir, "blobs", "sha256")
	old, young := filepath.Join(blobs, ".cachectl-part-old"), filepath.Join(blobs, ".cachectl-part-young")
	for _, f := range []string{old, young} {
		if err := os.WriteFile(f, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Now().Add(-48*time.Hour), time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := openAt(t, "", map[string]string{"dest": dir}).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(old); err == nil {
		t.Error("the old one is still there")
	}
	if _, err := os.Lstat(young); err != nil {
		t.Errorf("the young one, which somebody may be writing: %v", err)
	}
}

func TestNothingHalfWrittenStays(t *testing.T) {
	dir := t.TempDir()
	l := openAt(t, "", map[string]string{"dest": dir})
	s := backendtest.NewSample(t, "whole", 3)
	root := backendtest.Publish(t, l, s, ocispec.Descriptor{})
	if _, err := l.Publish(t.Context(), s.Cache, ocispec.Descriptor{}); err == nil {
		t.Fatal("a conflict was expected")
	}
	enc, err := s.Cache.Encode(cache.Format{Mode: cache.ModeMin, OCI: true, ImageManifest: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"oci-layout": true, "index.json": true, "index.json.lock": true}
	for _, d := range append([]ocispec.Descriptor{root, enc.ConfigDesc}, enc.Layers...) {
		want["blobs/sha256/"+d.Digest.Encoded()] = true
	}
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if !want[rel] {
			t.Errorf("%s is in the directory", rel)
		}
		delete(want, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for rel := range want {
		t.Errorf("%s is not in the directory", rel)
	}
}
