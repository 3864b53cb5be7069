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
		cells = append(cells, []string{l.Kind, l.Name, printable(l.Description)})
	}
	table(w, cells)
	return nil
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
