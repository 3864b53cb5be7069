package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/spf13/cobra"
)

func newPrint(g *globals) *cobra.Command {
	s := selection{shown: true}
	var list, call, metadata string
	var asJSON, check bool
	cmd := &cobra.Command{
		Use:   "print [TARGET|GROUP...]",
		Short: "Print the resolved configuration as JSON, in the form of docker buildx bake --print",
		Example: `  cachectl print -f docker-bake.hcl
  cachectl print -f cache.hcl --set '*.platform=linux/arm64' api
  cachectl print -f cache.hcl --list targets
  cachectl print -f cache.hcl --list variables --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if list != "" {
				s.located(names)
				return s.list(cmd, g, list, asJSON)
			}
			var err error
			if check {
				call = "check"
			}
			if s.call, err = frontendMethod(call); err != nil {
				return err
			}
			res, err := s.resolve(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			raw, err := res.JSON()
			if err != nil {
				return err
			}
			return view.Bytes(g.out, raw)
		},
	}
	s.flags(cmd, g)
	cmd.Flags().StringVar(&list, "list", "", "list targets or variables instead")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print lists as JSON (a configuration always is)")
	cmd.Flags().StringVar(&call, "call", "", "frontend method to print for every target: check, outline or targets")
	cmd.Flags().BoolVar(&check, "check", false, "--call=check")
	cmd.Flags().StringVar(&metadata, "metadata-file", "", "taken for the sake of bake command lines; nothing is built, so nothing is written")
	values(cmd, "list", "targets", "variables")
	return cmd
}

// frontendMethod reads "NAME[,format=FORMAT][,ignorestatus=BOOL]" and returns what bake --print shows for it: "check" is called "lint", and a
// plain build is none.
func frontendMethod(call string) (string, error) {
	var name string
	for field := range strings.SplitSeq(call, ",") {
		key, value, isOption := strings.Cut(field, "=")
		if !isOption {
			if name != "" {
				return "", usageError{fmt.Errorf("--call %q names two methods", call)}
			}
			name = field
			continue
		}
		if _, err := strconv.ParseBool(value); key != "format" && (key != "ignorestatus" || err != nil) {
			return "", usageError{fmt.Errorf("--call %q: %q is neither format=FORMAT nor ignorestatus=true", call, field)}
		}
	}
	switch name {
	case "check":
		return "lint", nil
	case "build":
		return "", nil
	}
	return name, nil
}

// list prints what there is of a kind: "targets", "variables", or "type=KIND,format=table|json".
func (s *selection) list(cmd *cobra.Command, g *globals, form string, asJSON bool) error {
	kind, asJSON, err := parseList(form, asJSON)
	if err != nil {
		return usageError{err}
	}
	l := &loaded{}
	l.config, l.diags = s.config(cmd.Context(), g)
	if err := g.report(l.diags, l.files()); err != nil {
		return err
	}
	rows := slices.DeleteFunc(l.config.Names(), func(n config.Listing) bool { return (n.Kind == "variable") != (kind == "variables") })
	// The same sort as Bake's, of the same order: which of a target and a group of one name comes first is the same then.
	slices.SortFunc(rows, func(a, b config.Listing) int { return strings.Compare(a.Name, b.Name) })
	rows = slices.DeleteFunc(rows, func(n config.Listing) bool { return n.Kind != "variable" && strings.HasPrefix(n.Name, "_") })
	switch {
	case kind == "variables" && asJSON:
		return view.VariablesJSON(g.out, rows)
	case kind == "variables":
		return view.Variables(g.out, rows)
	case asJSON:
		return view.TargetsJSON(g.out, rows)
	}
	return view.Targets(g.out, rows)
}

func parseList(form string, asJSON bool) (kind string, json bool, err error) {
	kind = form
	if strings.Contains(form, "=") {
		kind = ""
		for field := range strings.SplitSeq(form, ",") {
			switch name, value, _ := strings.Cut(field, "="); {
			case name == "type":
				kind = value
			case name == "format" && (value == "table" || value == "json"):
				asJSON = value == "json"
			default:
				return "", false, fmt.Errorf("--list %q: %q is neither type=targets|variables nor format=table|json", form, field)
			}
		}
	}
	if kind != "targets" && kind != "variables" {
		return "", false, fmt.Errorf("--list %q is not targets or variables", form)
	}
	return kind, asJSON, nil
}
