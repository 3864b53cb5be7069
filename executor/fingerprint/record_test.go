package fingerprint_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/fingerprint"
	digest "github.com/opencontainers/go-digest"
)

// TestNoValueIsKept looks for values of arguments and secrets in what is published.
func TestNoValueIsKept(t *testing.T) {
	w := newWorld(t)
	w.set(`VERSION = "1"`, `VERSION = "canary-argument", HTTP_PROXY = "http://canary:canary@127.0.0.1"`)
	w.set(`team = "one"`, `team = "canary-label"`)
	w.write("token", "canary-secret")
	w.edit("Dockerfile", "ENV MODE=release", "ENV MODE=canary-env\nCOPY ${VERSION}* src /")
	f := w.print()
	text := fingerprint.Records{"app": fingerprint.NewRecord(f, "", time.Now(), "")}.Encode()
	if !strings.Contains(text, "VERSION") || !strings.Contains(text, "src/main") {
		t.Errorf("the record does not name what it is made of: %s", text)
	}
	if strings.Contains(text, "canary") {
		t.Errorf("the record shows a value: %s", text)
	}
}

func TestRecordsAreBounded(t *testing.T) {
	files := map[string]map[string]string{"context": {}}
	var parts []fingerprint.Part
	for i := range 5000 {
		files["context"][fmt.Sprintf("some/directory/file-%d", i)] = "01234567"
		parts = append(parts, fingerprint.Part{Kind: fingerprint.KindStep, Name: fmt.Sprintf("[build %d/5000] RUN", i), Value: "01234567"})
	}
	f := &fingerprint.Fingerprint{Digest: digest.FromString("x"), Files: files, Parts: parts[:10]}
	if r := fingerprint.NewRecord(f, "", time.Now(), ""); r.Files != nil || len(r.Parts) != 10 {
		t.Errorf("many files: %d parts and the files %t were kept, want the parts alone", len(r.Parts), r.Files != nil)
	}
	f.Parts = parts
	if r := fingerprint.NewRecord(f, "", time.Now(), ""); r.Parts != nil || r.Digest != f.Digest {
		t.Error("many parts were kept, want the digest alone")
	}
	f.Parts = parts[:200]
	records := fingerprint.Records{}
	start := time.Unix(1_700_000_000, 0)
	for i := range 100 {
		records[fmt.Sprintf("target-%03d", i)] = fingerprint.NewRecord(f, "", start.Add(time.Duration(i)*time.Hour), "")
	}
	text := records.Encode()
	if len(text) > 128<<10 {
		t.Errorf("%d bytes of records", len(text))
	}
	got := fingerprint.DecodeRecords(text)
	if _, ok := got["target-099"]; !ok || len(got) < 5 || len(got) == 100 {
		t.Errorf("%d of 100 records are left; the newest should be among them", len(got))
	}
	if _, ok := got["target-000"]; ok {
		t.Error("the oldest record was kept, newer ones were not")
	}
	if text != records.Encode() {
		t.Error("equal records are written differently")
	}
}

func TestRecordsThatAreNotUnderstoodAreNone(t *testing.T) {
	for _, text := range []string{"", "x", "[]", "{}", `{"version":2,"targets":{"a":{"digest":"sha256:00"}}}`, `{"version":1}`, `{"version":1,"targets":[]}`, strings.Repeat("[", 1<<16)} {
		if got := fingerprint.DecodeRecords(text); len(got) != 0 {
			t.Errorf("%.20q: %v", text, got)
		}
	}
}
