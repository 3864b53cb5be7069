package local_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/backend/backendtest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// killDir tells the test binary to be the publisher that is killed.
const killDir = "CACHECTL_TEST_KILL_DIR"

// TestPublisherThatIsKilled is the publisher of the next test, which starts it in a process of its own; on its own it publishes once.
func TestPublisherThatIsKilled(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		publish(t, t.TempDir(), "latest", "round 0")
		return
	}
	var root ocispec.Descriptor
	if cur, err := openAt(t, "", map[string]string{"dest": dir}).Read(t.Context()); err == nil {
		root = cur.Root
	}
	for i := 0; ; i++ {
		root = backendtest.Publish(t, openAt(t, "", map[string]string{"dest": dir}), backendtest.NewSample(t, fmt.Sprint("round ", i%7), 2), root)
		fmt.Println("published")
	}
}

// A publisher is killed at any time; what the tag points at afterwards is a whole cache, and the next publisher carries on.
func TestAKilledPublisherLeavesTheOldCacheOrTheNew(t *testing.T) {
	dir := t.TempDir()
	publish(t, dir, "latest", "before")
	for kill := range 12 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPublisherThatIsKilled$")
		cmd.Env = append(os.Environ(), killDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "published\n" {
			t.Fatalf("the publisher said %q, %v", line, err)
		}
		// The moment is chance: that is what is tested.
		time.Sleep(rand.N(5 * time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		src := openAt(t, "", map[string]string{"src": dir})
		cur := backendtest.Read(t, src)
		if lost, err := src.Missing(t.Context(), cur); err != nil || len(lost) > 0 {
			t.Fatalf("after kill %d %d layers are missing: %v", kill, len(lost), err)
		}
	}
}
