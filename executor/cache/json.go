package cache

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// decodeJSON decodes exactly one JSON document into v. Before anything is allocated for it, documents are refused that would take far more memory
// than they have bytes (every element of a list takes some, even one of two bytes), and those with a key twice in one object, which
// programs read differently.
func decodeJSON(raw []byte, v any) error {
	if json.Valid(raw) {
		if err := checkShape(raw); err != nil {
			return err
		}
	}
	return json.Unmarshal(raw, v)
}

// object is an object or list that is open while a document is scanned.
type object struct {
	list bool
	// key says that a string here is a key.
	key bool
	// keys is where its keys start.
	keys int
}

// checkShape scans a valid document without recursion.
func checkShape(raw []byte) error {
	var open []object
	var keys [][]byte
	values, elements := 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			values++
			open = append(open, object{list: raw[i] == '[', key: raw[i] == '{', keys: len(keys)})
		case '}', ']':
			top := open[len(open)-1]
			if err := checkKeys(keys[top.keys:]); err != nil {
				return err
			}
			open, keys = open[:len(open)-1], keys[:top.keys]
		case ',':
			values++
			top := &open[len(open)-1]
			top.key = !top.list
			if top.list && len(open) <= 2 { // the document, or a list in it: records, layers
				elements++
			}
		case ':':
			open[len(open)-1].key = false
		case '"':
			end := endOfString(raw, i)
			if len(open) > 0 && open[len(open)-1].key {
				keys = append(keys, raw[i:end+1])
			}
			i = end
		}
		if values > maxValues {
			return fmt.Errorf("more than %d values", maxValues)
		}
		if elements > maxRecords+maxLayers {
			return fmt.Errorf("more than %d records and layers", maxRecords+maxLayers)
		}
	}
	return nil
}

// endOfString returns where the string that starts at i has its closing quote.
func endOfString(raw []byte, i int) int {
	for i++; raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i
}

// checkKeys refuses a key that is there twice. It sorts keys.
func checkKeys(keys [][]byte) error {
	for i, k := range keys {
		if bytes.IndexByte(k, '\\') < 0 {
			continue
		}
		var s string
		if err := json.Unmarshal(k, &s); err != nil {
			return err
		}
		keys[i] = []byte(`"` + s + `"`)
	}
	slices.SortFunc(keys, bytes.Compare)
	for i := 1; i < len(keys); i++ {
		if bytes.Equal(keys[i-1], keys[i]) {
			return fmt.Errorf("key %.80q is there twice", keys[i])
		}
	}
	return nil
}
