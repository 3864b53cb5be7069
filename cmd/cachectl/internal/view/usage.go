package view

import (
	"fmt"
	"io"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/cache"
)

// UsageRow is one cache that was measured, or could not be.
type UsageRow struct {
	Name   string
	UsedBy []string
	// Current is nil when there is no cache: because nothing is there (Missing) or for what Err says.
	Current *backend.Current
	Missing bool
	Err     error
	// Measured is its index in the usage, -1 without a cache.
	Measured int
}

// Usage prints what caches take and share.
func Usage(w io.Writer, rows []UsageRow, u *cache.Usage) error {
	cells := [][]string{{"CACHE", "RECORDS", "LAYERS", "SIZE", "UNIQUE", "USED BY"}}
	for _, r := range rows {
		used := few(r.UsedBy)
		switch {
		case r.Missing:
			cells = append(cells, []string{r.Name, "-", "-", "-", "missing", used})
		case r.Current == nil:
			cells = append(cells, []string{r.Name, "-", "-", "-", "unreadable", used})
		default:
			e := u.Each[r.Measured]
			cells = append(cells, []string{r.Name, fmt.Sprint(len(r.Current.Cache.Records())), fmt.Sprint(e.Layers), size(e.Bytes), size(e.UniqueBytes), used})
		}
	}
	table(w, cells)
	if _, err := fmt.Fprintf(w, "\n%s in all, in %s.\n", size(u.Bytes), count(u.Layers, "layer")); err != nil {
		return err
	}
	names := measuredNames(rows)
	for _, s := range u.Shared {
		var list []string
		for _, i := range s.Caches {
			list = append(list, names[i])
		}
		_, _ = fmt.Fprintf(w, "%s in %s shared by %s\n", size(s.Bytes), count(s.Layers, "layer"), few(list))
	}
	return nil
}

// measuredNames are the names of the caches by their index in the usage.
func measuredNames(rows []UsageRow) map[int]string {
	names := map[int]string{}
	for _, r := range rows {
		names[r.Measured] = r.Name
	}
	return names
}

// UsageFormatVersion is the version of the JSON form of usage. Within a major version fields are only added.
const UsageFormatVersion = "1.0"

type usageJSON struct {
	FormatVersion string           `json:"format_version"`
	Layers        int              `json:"layers"`
	Bytes         int64            `json:"bytes"`
	Caches        []cacheUsageJSON `json:"caches"`
	Shared        []sharedJSON     `json:"shared"`
}

type cacheUsageJSON struct {
	Name         string   `json:"name"`
	UsedBy       []string `json:"used_by"`
	Digest       string   `json:"digest,omitempty"`
	Records      int      `json:"records"`
	Layers       int      `json:"layers"`
	Bytes        int64    `json:"bytes"`
	UniqueLayers int      `json:"unique_layers"`
	UniqueBytes  int64    `json:"unique_bytes"`
	Missing      bool     `json:"missing,omitempty"`
	Error        string   `json:"error,omitempty"`
}

type sharedJSON struct {
	Caches []string `json:"caches"`
	Layers int      `json:"layers"`
	Bytes  int64    `json:"bytes"`
}

// UsageJSON prints what caches take and share, for programs.
func UsageJSON(w io.Writer, rows []UsageRow, u *cache.Usage) error {
	doc := usageJSON{FormatVersion: UsageFormatVersion, Layers: u.Layers, Bytes: u.Bytes, Caches: []cacheUsageJSON{}, Shared: []sharedJSON{}}
	for _, r := range rows {
		j := cacheUsageJSON{Name: r.Name, UsedBy: append([]string{}, r.UsedBy...), Missing: r.Missing}
		if r.Current != nil {
			e := u.Each[r.Measured]
			j.Digest, j.Records = r.Current.Root.Digest.String(), len(r.Current.Cache.Records())
			j.Layers, j.Bytes, j.UniqueLayers, j.UniqueBytes = e.Layers, e.Bytes, e.UniqueLayers, e.UniqueBytes
		} else if !r.Missing {
			j.Error = text(r.Err)
		}
		doc.Caches = append(doc.Caches, j)
	}
	names := measuredNames(rows)
	for _, s := range u.Shared {
		j := sharedJSON{Layers: s.Layers, Bytes: s.Bytes}
		for _, i := range s.Caches {
			j.Caches = append(j.Caches, names[i])
		}
		doc.Shared = append(doc.Shared, j)
	}
	return JSON(w, doc)
}
