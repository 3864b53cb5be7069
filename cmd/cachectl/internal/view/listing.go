package view

import (
	"io"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/build"
)

// Listing prints targets or variables in columns.
func Listing(w io.Writer, rows []config.Listing) error {
	cells := [][]string{{"KIND", "NAME", "DESCRIPTION"}}
	for _, l := range rows {
		cells = append(cells, []string{l.Kind, l.Name, oneLine(l.Description)})
	}
	table(w, cells)
	return nil
}

// ListingFormatVersion is the version of the JSON form of listings. Within a major version fields are only added.
const ListingFormatVersion = "1.0"

type listingJSON struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"` // target, group, transfer or variable
	Description string   `json:"description,omitempty"`
	Range       *spanned `json:"range,omitempty"`
}

// ListingJSON prints targets or variables for programs: {"format_version", "items"}.
func ListingJSON(w io.Writer, rows []config.Listing) error {
	doc := struct {
		FormatVersion string        `json:"format_version"`
		Items         []listingJSON `json:"items"`
	}{ListingFormatVersion, []listingJSON{}}
	for _, l := range rows {
		j := listingJSON{Name: l.Name, Kind: l.Kind, Description: printable(l.Description)}
		if l.Range.Filename != "" {
			j.Range = &spanned{l.Range.Filename, position(l.Range.Start), position(l.Range.End)}
		}
		doc.Items = append(doc.Items, j)
	}
	return JSON(w, doc)
}

// BuilderStatus prints what there is of the embedded builder.
func BuilderStatus(w io.Writer, st *build.EmbeddedStatus) error {
	running := "no"
	if st.Running {
		running = "yes"
	}
	table(w, [][]string{{"DIRECTORY", "RUNNING", "SIZE"}, {st.Dir, running, size(st.Bytes)}})
	return nil
}
