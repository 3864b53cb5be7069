package view

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// shortestSecret is the length below which a value is not taken for a secret: it would turn up by chance everywhere.
const shortestSecret = 8

// Secrets are values that are never shown: each is replaced wherever it turns up, however it is escaped. The zero value has none.
type Secrets struct {
	mu       sync.RWMutex
	values   []string
	replacer *strings.Replacer
}

// Add makes values known.
func (s *Secrets) Add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, value := range values {
		if len(value) < shortestSecret {
			continue
		}
		for _, form := range spellings(value) {
			if !slices.Contains(s.values, form) {
				s.values = append(s.values, form)
			}
		}
	}
	// Longest first: what contains another is replaced as a whole.
	slices.SortFunc(s.values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, value := range s.values {
		pairs = append(pairs, value, "***")
	}
	s.replacer = strings.NewReplacer(pairs...)
}

// spellings are the forms a value can turn up in: as it is, in a URL, in JSON, in base64.
func spellings(value string) []string {
	quoted, _ := json.Marshal(value)
	return []string{
		value, url.QueryEscape(value), url.PathEscape(value), string(quoted[1 : len(quoted)-1]),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.URLEncoding.EncodeToString([]byte(value)),
	}
}

// Hide returns text without the values.
func (s *Secrets) Hide(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.values) == 0 {
		return text
	}
	return s.replacer.Replace(text)
}
