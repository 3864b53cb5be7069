package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/build"
)

// Targets prints what can be selected, in columns.
func Targets(w io.Writer, rows []config.Listing) error {
	cells := [][]string{{"TARGET", "DESCRIPTION"}}
	for _, l := range rows {
		cells = append(cells, []string{l.Name, oneLine(about(l))})
	}
	table(w, cells)
	return nil
}

// about is the description of a target, and of a group its members too.
func about(l config.Listing) string {
	members := strings.Join(slices.Sorted(slices.Values(l.Members)), ", ")
	switch {
	case members == "":
		return l.Description
	case l.Description == "":
		return members
	}
	return l.Description + " (" + members + ")"
}

type listedTargetJSON struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Group       bool   `json:"group,omitempty"`
	Transfer    bool   `json:"transfer,omitempty"`
}

// TargetsJSON prints what can be selected in the form of docker buildx bake --list=type=targets,format=json.
func TargetsJSON(w io.Writer, rows []config.Listing) error {
	list := []listedTargetJSON{}
	for _, l := range rows {
		list = append(list, listedTargetJSON{l.Name, printable(about(l)), l.Kind == "group", l.Kind == "transfer"})
	}
	return JSON(w, list)
}

// Variables prints variables in columns.
func Variables(w io.Writer, rows []config.Listing) error {
	cells := [][]string{{"VARIABLE", "TYPE", "VALUE", "DESCRIPTION"}}
	for _, l := range rows {
		value := "<null>"
		if l.Value != nil {
			value = *l.Value
		}
		cells = append(cells, []string{l.Name, l.Type, oneLine(value), oneLine(l.Description)})
	}
	table(w, cells)
	return nil
}

type listedVariableJSON struct {
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Type        string  `json:"type,omitempty"`
	Value       *string `json:"value,omitempty"`
}

// VariablesJSON prints variables in the form of docker buildx bake --list=type=variables,format=json.
func VariablesJSON(w io.Writer, rows []config.Listing) error {
	list := []listedVariableJSON{}
	for _, l := range rows {
		list = append(list, listedVariableJSON{l.Name, printable(l.Description), l.Type, l.Value})
	}
	return JSON(w, list)
}

// Removed says what was removed with the embedded builder.
func Removed(w io.Writer, st *build.EmbeddedStatus) {
	if st.Bytes == 0 && !st.Running {
		Note(w, "There was no embedded builder in "+st.Dir+".")
		return
	}
	Note(w, fmt.Sprintf("Removed the embedded builder in %s, %s.", st.Dir, size(st.Bytes)))
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
