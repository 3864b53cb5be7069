package executor

import (
	"fmt"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/fingerprint"
	digest "github.com/opencontainers/go-digest"
)

// note is what a build has to say beside its cache.
type note struct {
	key string
	// print is nil when the build's inputs are not known for sure: what was said of an earlier build is then taken away.
	print *fingerprint.Fingerprint
	at    time.Time
	image digest.Digest
	// aged says that the time of the build matters, so that it is written even if nothing else has changed.
	aged bool
}

// written is the text for a destination that holds a cache with the note before. rest says that the caches of other targets are still there.
func (n *note) written(before string, rest bool, to config.Cache) string {
	records := fingerprint.Records{}
	had := fingerprint.DecodeRecords(before)
	if rest {
		records = had
	}
	if n == nil {
		return records.Encode()
	}
	old, ok := had[n.key]
	delete(records, n.key)
	if n.print != nil {
		record := fingerprint.NewRecord(n.print, options(to), n.at, n.image)
		if ok && rest && !n.aged && old.Same(record) {
			record = old // so that an unchanged cache is not written again
		}
		records[n.key] = record
	}
	return records.Encode()
}

// options is the digest of how a destination's cache is to be written.
func options(to config.Cache) string {
	var b strings.Builder
	for _, name := range []string{"mode", "compression", "compression-level", "force-compression", "oci-mediatypes", "image-manifest"} {
		value := to.String(name)
		switch name {
		case "force-compression", "oci-mediatypes", "image-manifest":
			value = fmt.Sprint(to.Bool(name))
		}
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	const shown = 8
	return digest.FromString(b.String()).Encoded()[:shown]
}

// splitNames are the references in an output's name.
func splitNames(names string) []string {
	var out []string
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
