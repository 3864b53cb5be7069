package wire_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor/backend/wire"
)

func TestHopsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		from, to string
		ok       bool
	}{
		{"https://r.example/v2/", "https://cdn.example/x", true},
		{"https://r.example/v2/", "https://10.1.2.3/x", true}, // a store of the same house
		{"https://r.example/v2/", "http://cdn.example/x", false},
		{"https://r.example/v2/", "http://r.example/x", false},
		{"http://r.example/v2/", "http://cdn.example/x", true},
		{"http://r.example/v2/", "https://cdn.example/x", true},
		{"https://r.example/v2/", "https://169.254.169.254/latest", false},
		{"https://r.example/v2/", "https://[fe80::1]/", false},
		{"https://r.example/v2/", "https://127.0.0.1/", false},
		{"https://r.example/v2/", "https://localhost/", false},
		{"https://r.example/v2/", "https://0.0.0.0/", false},
		{"https://r.example/v2/", "file:///etc/passwd", false},
		{"https://r.example/v2/", "ftp://r.example/", false},
		{"http://r.example/v2/", "http://[::1]:80/", false},
		{"http://localhost:5000/v2/", "http://127.0.0.1:6000/", true},
	} {
		from, err := url.Parse(test.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(test.to)
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.CheckHop("the registry", from, to); (err == nil) != test.ok || err != nil && !strings.HasPrefix(err.Error(), "the registry sends us ") {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
		}
	}
}
