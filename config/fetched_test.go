package config_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// fetchedFrom loads and resolves a configuration that lies elsewhere.
func fetchedFrom(t *testing.T, opt config.Options, names ...string) (*config.Resolution, hcl.Diagnostics) {
	t.Helper()
	if opt.LookupEnv == nil {
		opt.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if opt.Dir == "" {
		opt.Dir = t.TempDir()
	}
	c, diags := config.Load(t.Context(), opt)
	if diags.HasErrors() {
		return nil, diags
	}
	return c.Resolve(config.Selection{Names: names})
}

// contextsOf are the contexts of a resolution as print shows them, and as they are built.
func contextsOf(t *testing.T, r *config.Resolution) (printed, built map[string]string) {
	t.Helper()
	var doc struct {
		Target map[string]struct {
			Context  string
			Contexts map[string]string
		}
	}
	if err := json.Unmarshal([]byte(printedForm(t, r)), &doc); err != nil {
		t.Fatal(err)
	}
	printed, built = map[string]string{}, map[string]string{}
	for _, x := range r.Targets {
		printed[x.Name], built[x.Name] = doc.Target[x.Name].Context, *x.Context
		for name, at := range x.Contexts {
			printed[x.Name+"."+name], built[x.Name+"."+name] = doc.Target[x.Name].Contexts[name], at
		}
	}
	return printed, built
}

// TestADefinitionInARepository holds where contexts are then: below the repository, unless they say otherwise (Bake: updateContext).
func TestADefinitionInARepository(t *testing.T) {
	base := testenv.Repository(t, map[string]string{
		"docker-bake.hcl": `
target "default" {}
target "below" {
  context  = "app"
  contexts = { root = ".", lib = "../lib", image = "docker-image://x", other = "target:default", here = "cwd://x", web = "https://h/x.git" }
}
target "here" {
  context    = "cwd://app"
  dockerfile = "cwd://app/Dockerfile"
}
target "command" { context = BAKE_CMD_CONTEXT }
target "web" { context = "https://h/y.git" }
`,
		"sub/cache.hcl":       `target "default" { context = "app" }`,
		"sub/docker-bake.hcl": `target "never" {}`,
		"extra.json":          `{"target": {"default": {"args": {"A": "1"}}}}`,
	})
	at := testenv.GitDaemon(t, base) + "repo.git"
	dir := t.TempDir()
	res, diags := fetchedFrom(t, config.Options{Source: at, Dir: dir}, "*")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	printed, built := contextsOf(t, res)
	want := map[string]string{
		"default": at, "below": at + "#:app", "here": "app", "command": ".", "web": "https://h/y.git",
		"below.root": ".", "below.lib": "../lib", "below.image": "docker-image://x", "below.other": "target:default", "below.here": "cwd://x", "below.web": "https://h/x.git",
	}
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	want["below.root"], want["below.lib"] = at, at+"#:lib"
	if diff := cmp.Diff(want, built); diff != "" {
		t.Errorf("built (-want +got):\n%s", diff)
	}
	for _, x := range res.Targets {
		if x.Name == "here" && *x.Dockerfile != filepath.Join(dir, "app/Dockerfile") {
			t.Errorf("the Dockerfile of this machine is %s", *x.Dockerfile)
		}
	}

	t.Run("in a directory of it", func(t *testing.T) {
		res, diags := fetchedFrom(t, config.Options{Source: at + "#main:sub"})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if printed, _ := contextsOf(t, res); printed["default"] != at+"#main:sub/app" {
			t.Errorf("got %v", printed)
		}
	})
	t.Run("with files named", func(t *testing.T) {
		testenv.Git(t, dir, "init", "--quiet")
		if err := os.WriteFile(filepath.Join(dir, "mine.hcl"), []byte(`target "default" { tags = ["mine"] }`), 0o600); err != nil {
			t.Fatal(err)
		}
		res, diags := fetchedFrom(t, config.Options{Source: at, Files: []string{"docker-bake.hcl", "extra.json", "cwd://mine.hcl"}, Dir: dir})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if x := res.Targets[0]; *x.Args["A"] != "1" || x.Tags[0] != "mine" || *x.Context != at {
			t.Errorf("got %+v", x)
		}
	})
	t.Run("named with -f", func(t *testing.T) {
		res, diags := fetchedFrom(t, config.Options{Files: []string{at}, CommandContext: "https://h/z.git"}, "default", "command")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if printed, _ := contextsOf(t, res); printed["default"] != at || printed["command"] != "https://h/z.git" {
			t.Errorf("got %v", printed)
		}
	})
	for source, message := range map[string]string{at + "#nothing": "nothing", at + "#main:nowhere": "there is no cache.hcl", "https://h/x.git#a..b": "no name of a branch"} {
		if _, diags := fetchedFrom(t, config.Options{Source: source}); !strings.Contains(diags.Error(), message) {
			t.Errorf("%s: %v", source, diags)
		}
	}
}

// served is the address of a file that is served over HTTP.
func served(t *testing.T, name, content string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, content) }))
	t.Cleanup(s.Close)
	return s.URL + "/" + name
}

// TestADefinitionOverHTTP is a file by itself: relative contexts are of this machine, as in Bake.
func TestADefinitionOverHTTP(t *testing.T) {
	for name, content := range map[string]string{
		"docker-bake.hcl": `target "default" { context = "app" }`, "x": `{"target": {"default": {"context": "app"}}}`, "compose.yaml": "services: {default: {build: {context: app}}}",
	} {
		at := served(t, name, content)
		for _, opt := range []config.Options{{Source: at}, {Files: []string{at}}} {
			res, diags := fetchedFrom(t, opt)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if printed, _ := contextsOf(t, res); printed["default"] != "app" {
				t.Errorf("%s: got %v", name, printed)
			}
		}
	}
	if _, diags := fetchedFrom(t, config.Options{Source: served(t, "x.hcl", ""), Files: []string{"y.hcl"}}); !strings.Contains(diags.Error(), "cwd://") {
		t.Errorf("got %v", diags)
	}
	if _, diags := fetchedFrom(t, config.Options{Source: served(t, "compose.yaml", "include: [/etc/passwd]\nservices: {a: {build: .}}")}); !strings.Contains(diags.Error(), "may not include") {
		t.Errorf("got %v", diags)
	}
	_, diags := fetchedFrom(t, config.Options{Source: served(t, "cache.hcl", "target \"a\" {\n  contxt = 1\n}")})
	if len(diags) != 1 || !strings.HasSuffix(diags[0].Subject.Filename, "/cache.hcl") || diags[0].Subject.Start.Line != 2 {
		t.Errorf("a mistake in a fetched file of ours: %v", diags)
	}
}

// TestAccessHasToBeAllowed fetches definitions that touch this machine in each way there is.
func TestAccessHasToBeAllowed(t *testing.T) {
	for _, c := range []struct{ name, target, allow string }{
		{"context", `context = "cwd://app"`, "fs.read=app"},
		{"context outside", `context = "cwd:///etc"`, "fs.read=/etc"},
		{"named context", `contexts = { a = "cwd://app" }`, "fs.read=app"},
		{"oci layout", `contexts = { a = "oci-layout://app:tag" }`, "fs.read=app"},
		{"dockerfile", `dockerfile = "cwd://app/Dockerfile"`, "fs.read=app/Dockerfile"},
		{"absolute dockerfile", `dockerfile = "/etc/passwd"`, "fs.read=/etc/passwd"},
		{"secret", `secret = ["id=a,src=app/key"]`, "fs.read=app"},
		{"secret by id", `secret = ["id=app"]`, "fs.read=app"},
		{"ssh agent", `ssh = ["default"]`, "ssh"},
		{"ssh key", `ssh = ["default=app/key"]`, "fs.read=app/key"},
		{"output", `output = ["type=local,dest=app"]`, "fs.write=app"},
		{"tar output", `output = ["type=oci,dest=app/x.tar"]`, "fs.write=app"},
		{"bare output", `output = ["app"]`, "fs.write=*"},
		{"cache source", `cache-from = ["type=local,src=app"]`, "fs=app"},
		{"cache destination", `cache-to = ["type=local,dest=app"]`, "fs=app"},
		{"host's network", `network = "host"`, "network.host"},
		{"entitlement", `entitlements = ["security.insecure"]`, "security.insecure"},
		{"device", `entitlements = ["device=vendor.com/d=x"]`, "device=vendor.com/d=x"},
		{"any device", `entitlements = ["device=vendor.com/d=x"]`, "device"},
	} {
		t.Run(c.name, func(t *testing.T) {
			elsewhere := "context = \"https://h/x.git\""
			if strings.HasPrefix(c.target, "context =") {
				elsewhere = ""
			}
			at := served(t, "docker-bake.hcl", "target \"default\" {\n  "+c.target+"\n"+elsewhere+"\n}\n")
			dir := t.TempDir()
			check := func(allow ...string) hcl.Diagnostics {
				res, diags := fetchedFrom(t, config.Options{Source: at, Dir: dir, Allow: allow})
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				return res.CheckAccess()
			}
			for _, allow := range [][]string{nil, {"fs.read=elsewhere"}, {"fs.write=app-2"}} {
				diags := check(allow...)
				if len(diags) != 1 || diags[0].Summary != "Access not allowed" || diags[0].Subject == nil || diags[0].Subject.Start.Line != 2 {
					t.Fatalf("with %v: %v", allow, diags)
				}
			}
			if diags := check(c.allow); len(diags) > 0 {
				t.Errorf("with --allow %s: %v", c.allow, diags)
			}
		})
	}
}

// TestAllowLooksThroughLinks allows a directory in which a link leads elsewhere.
func TestAllowLooksThroughLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "open"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "open/link")); err != nil {
		t.Fatal(err)
	}
	at := served(t, "docker-bake.hcl", "target \"default\" {\n  context = \"https://h/x.git\"\n  secret = [\"id=a,src=open/link/passwd\", \"id=b,src=open/../../x\", \"id=c,src=open/fine\"]\n}")
	res, diags := fetchedFrom(t, config.Options{Source: at, Dir: dir, Allow: []string{"fs.read=open"}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := res.CheckAccess().Error()
	if n := len(res.CheckAccess()); n != 2 || !strings.Contains(got, "open/../../x") && !strings.Contains(got, "open/link/passwd") {
		t.Errorf("%d: %v", n, res.CheckAccess())
	}
}

// TestFunctionsOfAFetchedDefinition may read what is allowed and nothing else.
func TestFunctionsOfAFetchedDefinition(t *testing.T) {
	dir := t.TempDir()
	testenv.Git(t, dir, "init", "--quiet", "--initial-branch=main")
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{`file("secret")`, `fileexists("secret")`, `filehash("secret")`, `glob("*")[0]`, `git_branch()`} {
		at := served(t, "docker-bake.hcl", "target \"default\" {\n  args = { A = "+call+" }\n}")
		if _, diags := fetchedFrom(t, config.Options{Source: at, Dir: dir}); !diags.HasErrors() {
			t.Errorf("%s is answered", call)
		} else if call != "git_branch()" && !strings.Contains(diags.Error(), "--allow fs.read=") {
			t.Errorf("%s: %v", call, diags)
		}
		if _, diags := fetchedFrom(t, config.Options{Source: at, Dir: dir, Allow: []string{"fs.read=."}}); diags.HasErrors() {
			t.Errorf("%s with --allow: %v", call, diags)
		}
	}
}

// TestAFetchedDefinitionChoosesNoHosts holds that it neither names builders nor weakens connections.
func TestAFetchedDefinitionChoosesNoHosts(t *testing.T) {
	for block, refused := range map[string]bool{
		`builder "b" { endpoint = "tcp://h:1" }`:                        true,
		`registry "h.example.com" { http = true }`:                      true,
		`registry "h.example.com" { insecure = true }`:                  true,
		`registry "h.example.com" { mirrors = ["m"] }`:                  true,
		`registry "h.example.com" { ca = "x" }`:                         true,
		`registry "localhost:1" { http = true }`:                        false,
		`registry "localhost:1" { embedded = true }`:                    false,
		`registry "h.example.com" { concurrency = 1 }`:                  false,
		"registry \"localhost:1\" {\n embedded = true\n dir = \"x\"\n}": true,
	} {
		at := served(t, "cache.hcl", block+"\ntarget \"default\" { context = \"https://h/x.git\" }")
		res, diags := fetchedFrom(t, config.Options{Source: at})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if got := res.CheckAccess(); got.HasErrors() != refused {
			t.Errorf("%s: %v", block, got)
		}
	}
}

func TestAllowIsRead(t *testing.T) {
	dir := testenv.Write(t, map[string]string{"cache.hcl": `target "default" { context = "/etc" }`})
	for allow, wrong := range map[string]bool{
		"fs=/x": false, "fs.read=*": false, "device": false, "device=a": false, "image.push=x": false, "ssh": false,
		"fs.red=x": true, "fs.read": true, "fs.read=": true, "ssh=x": true, "everything": true,
	} {
		res, diags := fetchedFrom(t, config.Options{Dir: dir, Allow: []string{allow}})
		if diags.HasErrors() != wrong {
			t.Errorf("--allow %s: %v", allow, diags)
		}
		if res != nil && len(res.CheckAccess()) > 0 {
			t.Errorf("a definition of this machine is held to --allow %s", allow)
		}
	}
}

// TestAFetchedDefinitionTakesInNoFiles holds that neither include nor import reads this machine's files, also when others are of this machine.
func TestAFetchedDefinitionTakesInNoFiles(t *testing.T) {
	dir := testenv.Write(t, map[string]string{"mine.hcl": `target "mine" {}`, "local.cache.hcl": "include \"mine.hcl\" {}\nimport \"my\" {\n  source = \"mine.hcl\"\n}\n"})
	for _, block := range []string{`include "mine.hcl" {}`, `include "/etc/pass*" {}`, `import "m" { source = "mine.hcl" }`} {
		at := served(t, "cache.hcl", block)
		if _, diags := fetchedFrom(t, config.Options{Source: at, Dir: dir}); len(diags) != 1 || diags[0].Summary != "Fetched definition takes in a file" || diags[0].Subject.Start.Line != 1 {
			t.Errorf("%s: %v", block, diags)
		}
	}
	res, diags := fetchedFrom(t, config.Options{Source: served(t, "cache.hcl", `target "theirs" {}`), Files: []string{"cwd://local.cache.hcl"}, Dir: dir}, "mine", "my_mine", "theirs")
	if diags.HasErrors() || len(res.Targets) != 3 {
		t.Errorf("%v", diags)
	}
}
