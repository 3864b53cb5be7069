package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/prune"
)

// Prune prints what was pruned, or would be.
func Prune(w io.Writer, stores []*prune.Store, dryRun bool) error {
	var b strings.Builder
	for i, s := range stores {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintln(&b, s.Name)
		rows := [][]string{}
		for _, c := range s.Caches {
			rows = append(rows, pruneRow(c, dryRun))
		}
		if len(rows) > 0 {
			table(&b, append([][]string{{"  NAME", "RESULTS", "LAYERS", "SIZE", ""}}, rows...))
			fmt.Fprintf(&b, "  %s of distinct layers before, %s %s\n", size(s.Before), size(s.After), would(dryRun, "after", "would be left"))
		}
		if s.Sweep != nil {
			fmt.Fprintf(&b, "  %s\n", sweepText(s.Sweep, dryRun))
		}
		if s.Err != nil {
			fmt.Fprintf(&b, "  error: %s\n", printable(s.Err.Error()))
		}
	}
	return Text(w, b.String())
}

// would chooses between what is and what would be.
func would(dryRun bool, is, wouldBe string) string {
	if dryRun {
		return wouldBe
	}
	return is
}

func pruneRow(c *prune.Cache, dryRun bool) []string {
	name := "  " + printable(c.Name)
	if c.Action == prune.Skip && c.Before.Results == 0 {
		return []string{name, "", "", "", "left alone: " + printable(c.Reason)}
	}
	change := func(before, after string) string {
		if before == after {
			return before
		}
		return before + " → " + after
	}
	note := map[prune.Action]string{
		prune.Keep: "stays", prune.Shrink: would(dryRun, "made smaller", "would be made smaller"), prune.Remove: would(dryRun, "removed", "would be removed"),
		prune.Skip: "left alone",
	}[c.Action]
	if c.Reason != "" {
		note += ": " + printable(c.Reason)
	}
	if c.Err != nil {
		note = "error: " + printable(c.Err.Error())
	}
	return []string{
		name, change(fmt.Sprint(c.Before.Results), fmt.Sprint(c.After.Results)), change(fmt.Sprint(c.Before.Layers), fmt.Sprint(c.After.Layers)),
		change(size(c.Before.Bytes), size(c.After.Bytes)), note,
	}
}

func sweepText(s *prune.Sweep, dryRun bool) string {
	if s.Deleted+s.Waiting == 0 {
		return "no blobs that nothing needs" + would(dryRun, "", " now")
	}
	text := fmt.Sprintf("%s (%s) that nothing needs", count(s.Deleted, "blob"), size(s.DeletedBytes)) + would(dryRun, " deleted", " would be deleted")
	if s.Waiting > 0 {
		text += fmt.Sprintf("; %s (%s) marked, the first can go at %s", count(s.Waiting, "blob"), size(s.WaitingBytes), s.Next.UTC().Format(time.RFC3339))
	}
	if s.Busy {
		text += "; nothing is deleted while BuildKit writes here"
	}
	return text
}

type pruneStoreJSON struct {
	Name        string           `json:"name"`
	BytesBefore int64            `json:"bytes_before"`
	BytesAfter  int64            `json:"bytes_after"`
	Caches      []pruneCacheJSON `json:"caches"`
	Sweep       *sweepJSON       `json:"sweep,omitempty"`
	Error       string           `json:"error,omitempty"`
}

type pruneCacheJSON struct {
	Name   string       `json:"name"`
	Policy string       `json:"retention,omitempty"`
	Action prune.Action `json:"action"`
	Reason string       `json:"reason,omitempty"`
	Digest string       `json:"digest"`
	Before pruneCount   `json:"before"`
	After  pruneCount   `json:"after"`
	Error  string       `json:"error,omitempty"`
}

type pruneCount struct {
	Records int   `json:"records"`
	Results int   `json:"results"`
	Layers  int   `json:"layers"`
	Bytes   int64 `json:"bytes"`
}

type sweepJSON struct {
	Deleted      int    `json:"deleted"`
	DeletedBytes int64  `json:"deleted_bytes"`
	Waiting      int    `json:"waiting"`
	WaitingBytes int64  `json:"waiting_bytes"`
	Next         string `json:"next,omitempty"`
	Busy         bool   `json:"busy,omitempty"`
}

// PruneJSON prints what was pruned, or would be, for programs: {"format_version", "dry_run", "stores"}.
func PruneJSON(w io.Writer, stores []*prune.Store, dryRun bool) error {
	doc := struct {
		FormatVersion string           `json:"format_version"`
		DryRun        bool             `json:"dry_run"`
		Stores        []pruneStoreJSON `json:"stores"`
	}{"1.0", dryRun, []pruneStoreJSON{}}
	for _, s := range stores {
		j := pruneStoreJSON{Name: s.Name, BytesBefore: s.Before, BytesAfter: s.After, Caches: []pruneCacheJSON{}, Error: errorText(s.Err)}
		for _, c := range s.Caches {
			j.Caches = append(j.Caches, pruneCacheJSON{
				Name: c.Name, Policy: c.Policy, Action: c.Action, Reason: printable(c.Reason), Digest: c.Root.Digest.String(), Error: errorText(c.Err),
				Before: pruneCount{c.Before.Records, c.Before.Results, c.Before.Layers, c.Before.Bytes},
				After:  pruneCount{c.After.Records, c.After.Results, c.After.Layers, c.After.Bytes},
			})
		}
		if w := s.Sweep; w != nil {
			j.Sweep = &sweepJSON{Deleted: w.Deleted, DeletedBytes: w.DeletedBytes, Waiting: w.Waiting, WaitingBytes: w.WaitingBytes, Busy: w.Busy}
			if !w.Next.IsZero() {
				j.Sweep.Next = w.Next.UTC().Format(time.RFC3339)
			}
		}
		doc.Stores = append(doc.Stores, j)
	}
	return JSON(w, doc)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return printable(err.Error())
}
