package cli

import (
	"strings"
	"testing"

	"github.com/cachectl/cachectl/schema"
)

// TestSetCompletesEveryAttribute goes through the table: what can be set is offered, and nothing else.
func TestSetCompletesEveryAttribute(t *testing.T) {
	_, g := newRoot(System())
	offered := map[string]bool{}
	for _, o := range (&selection{}).completeSet(t.Context(), g, "app.") {
		name, about, _ := strings.Cut(o, "\t")
		if about == "" {
			t.Errorf("%s is offered without what it means", name)
		}
		offered[strings.TrimRight(strings.TrimPrefix(name, "app."), "=.")] = true
	}
	for i := range schema.Target.Attributes {
		a := &schema.Target.Attributes[i]
		if can := a.Set != schema.NotSettable; offered[a.SetKeyName()] != can {
			t.Errorf("%s is offered: %t, can be set: %t", a.Name, !can, can)
		}
	}
}
