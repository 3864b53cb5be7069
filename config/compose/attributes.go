package compose

import "github.com/zclconf/go-cty/cty"

// attributes collects what was set. Empty values are not set.
type attributes map[string]cty.Value

func (a attributes) text(name, value string) {
	if value != "" {
		a[name] = cty.StringVal(value)
	}
}

func (a attributes) truth(name string, value bool) {
	if value {
		a[name] = cty.True
	}
}

func (a attributes) list(name string, items []string) {
	if len(items) == 0 {
		return
	}
	values := make([]cty.Value, len(items))
	for i, item := range items {
		values[i] = cty.StringVal(item)
	}
	a[name] = cty.ListVal(values)
}

// values is list for elements of several types.
func (a attributes) values(name string, items []cty.Value) {
	if len(items) > 0 {
		a[name] = cty.TupleVal(items)
	}
}

func (a attributes) table(name string, entries map[string]string) {
	if len(entries) == 0 {
		return
	}
	values := make(map[string]cty.Value, len(entries))
	for key, value := range entries {
		values[key] = cty.StringVal(value)
	}
	a[name] = cty.MapVal(values)
}

// join appends items to the list that is there.
func (a attributes) join(name string, items []string) {
	if len(items) == 0 {
		return
	}
	var all []cty.Value
	same := true
	if before, ok := a[name]; ok {
		all = before.AsValueSlice()
		same = before.Type().IsListType()
	}
	for _, item := range items {
		all = append(all, cty.StringVal(item))
	}
	if same {
		a[name] = cty.ListVal(all)
		return
	}
	a[name] = cty.TupleVal(all)
}
