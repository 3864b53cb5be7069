package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/cache"
)

// recordJSON is a record of a cache. Links and results are indices into "graph" and "layers".
type recordJSON struct {
	Digest  string       `json:"digest"`
	Inputs  [][]linkJSON `json:"inputs,omitempty"`
	Results []resultJSON `json:"results,omitempty"`
}

type linkJSON struct {
	Record   int    `json:"record"`
	Selector string `json:"selector,omitempty"`
}

// resultJSON is a layer with its parents, or an explicit list of layers.
type resultJSON struct {
	Layer   *int   `json:"layer,omitempty"`
	Layers  []int  `json:"layers,omitempty"`
	Created string `json:"created,omitempty"`
	// Lost is set when one of the layers is missing.
	Lost bool `json:"lost,omitempty"`
}

// newRecordsJSON converts the records; gone tells which layers cannot be used.
func newRecordsJSON(c *cache.Cache, gone []bool) []recordJSON {
	list := []recordJSON{}
	for _, r := range c.Records() {
		j := recordJSON{Digest: r.Digest.String()}
		for _, alternatives := range r.Inputs {
			var links []linkJSON
			for _, l := range alternatives {
				links = append(links, linkJSON{l.Record, printable(l.Selector)})
			}
			j.Inputs = append(j.Inputs, links)
		}
		for _, res := range r.Results {
			j.Results = append(j.Results, resultJSON{Layer: &res.Layer, Created: moment(res.CreatedAt), Lost: gone[res.Layer]})
		}
		for _, ch := range r.Chains {
			lost := false
			for _, l := range ch.Layers {
				lost = lost || gone[l]
			}
			j.Results = append(j.Results, resultJSON{Layers: ch.Layers, Created: moment(ch.CreatedAt), Lost: lost})
		}
		list = append(list, j)
	}
	return list
}

// lostResults counts the results that cannot be used.
func lostResults(records []recordJSON) int {
	n := 0
	for _, r := range records {
		for _, res := range r.Results {
			if res.Lost {
				n++
			}
		}
	}
	return n
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// recordRows is a row for each record, in an order in which those it stands on come first.
func recordRows(records []recordJSON) [][]string {
	rows := [][]string{{"RECORD", "KEY", "ON", "RESULT", "CREATED", ""}}
	for i, r := range records {
		row := []string{fmt.Sprint(i), shortDigest(r.Digest), inputs(r), "-", "", ""}
		for n, res := range r.Results {
			if n > 0 {
				row = []string{"", "", "", "", "", ""}
			}
			row[3], row[4] = res.where(), res.Created
			if res.Lost {
				row[5] = "lost"
			}
			rows = append(rows, row)
		}
		if len(r.Results) == 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func (r resultJSON) where() string {
	if r.Layer != nil {
		return fmt.Sprintf("layer %d", *r.Layer)
	}
	return "layers " + strings.Trim(fmt.Sprint(r.Layers), "[]")
}

// inputs are what a record stands on: its inputs separated by commas, the alternatives of one by bars.
func inputs(r recordJSON) string {
	var list []string
	for _, alternatives := range r.Inputs {
		var alt []string
		for _, l := range alternatives {
			if l.Selector != "" {
				alt = append(alt, fmt.Sprintf("%d:%s", l.Record, shortDigest(oneLine(l.Selector))))
				continue
			}
			alt = append(alt, fmt.Sprint(l.Record))
		}
		list = append(list, strings.Join(alt, "|"))
	}
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}

// CacheGraph prints the records of a cache as a graph, in the language of Graphviz (dot) or Mermaid. Records with a result are boxes.
func CacheGraph(w io.Writer, c *cache.Cache, form string) error {
	var b strings.Builder
	node, edge, end := "  r%d [label=\"%s\", shape=%s]\n", "  r%d -> r%d\n", "}\n"
	shapes := map[bool]string{true: "box", false: "ellipse"}
	if form == "mermaid" {
		b.WriteString("graph TD\n")
		node, edge, end = "  r%d%s\n", "  r%d --> r%d\n", ""
	} else {
		b.WriteString("digraph cache {\n  rankdir=TB\n")
	}
	for i, r := range c.Records() {
		label, has := shortDigest(r.Digest.String()), len(r.Results)+len(r.Chains) > 0
		if form != "mermaid" {
			fmt.Fprintf(&b, node, i, label, shapes[has])
			continue
		}
		if has {
			fmt.Fprintf(&b, node, i, "["+label+"]")
		} else {
			fmt.Fprintf(&b, node, i, "("+label+")")
		}
	}
	for i, r := range c.Records() {
		for _, alternatives := range r.Inputs {
			for _, l := range alternatives {
				fmt.Fprintf(&b, edge, l.Record, i)
			}
		}
	}
	return Text(w, b.String()+end)
}
