// Package arch_test holds the direction of imports: schema <- config <- planner <- executor <- cmd.
package arch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cachectl/cachectl/"

// layers are the rooms in the order of the corridor; a package imports from its own and earlier ones only.
var layers = []string{"schema", "config", "planner", "executor", "cmd"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func layerOf(path string) int {
	room, _, _ := strings.Cut(strings.TrimPrefix(path, module), "/")
	return slices.Index(layers, room)
}

func TestImportsPointBackwardsOnly(t *testing.T) {
	list := packages(t)
	if len(list) < 10 {
		t.Fatalf("only %d packages were listed", len(list))
	}
	for _, p := range list {
		from := layerOf(p.ImportPath)
		for _, imp := range p.Imports {
			if to := layerOf(imp); strings.HasPrefix(imp, module) && from >= 0 && to > from {
				t.Errorf("%s imports %s: %s comes after %s in the corridor %s", p.ImportPath, imp, layers[to], layers[from], strings.Join(layers, " <- "))
			}
		}
	}
}

// TestWhoMayImportWhat lists packages that are to know nothing of certain things, and things that only certain packages may know.
func TestWhoMayImportWhat(t *testing.T) {
	forbidden := map[string][]string{
		"planner/dag":    {"github.com/hashicorp/hcl", module},
		"planner/layout": {"github.com/hashicorp/hcl", module},
		"executor/cache": {"github.com/hashicorp/hcl", module + "config", "net", "net/http", "os", "github.com/moby/buildkit/client"},
		"executor/blob":  {"github.com/hashicorp/hcl", module + "config", "net/http", "github.com/moby/buildkit/client"},
		"planner":        {"net", "net/http", "os", "github.com/moby/buildkit"},
		"schema":         {"github.com/hashicorp/hcl", module, "os", "net", "net/http"},
	}
	only := map[string][]string{
		"github.com/moby/buildkit/client":         {"executor/build", "executor/fingerprint", "cmd/cachectl/internal/view", "internal/testenv"},
		"github.com/google/go-containerregistry":  {"executor/backend/registry"},
		"github.com/distribution/distribution/v3": {"executor/registryd"},
	}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			for _, f := range forbidden[name] {
				if imp == f || strings.Contains(f, ".") && strings.HasPrefix(imp, strings.TrimSuffix(f, "/")+"/") { // standard packages by their exact name
					t.Errorf("%s imports %s, of which it is to know nothing", name, imp)
				}
			}
			for lib, users := range only {
				if (imp == lib || strings.HasPrefix(imp, lib+"/")) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s; only %s may", name, imp, strings.Join(users, ", "))
				}
			}
		}
	}
}
