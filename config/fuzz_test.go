package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/migrate"
	"github.com/cachectl/cachectl/internal/bakecorpus"
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// What is promised of hostile input: no panic, an end within fuzzTime, and a place for every error.
const (
	fuzzTime = 10 * time.Second
	fuzzSize = 32 << 10
)

// seeds adds the files of the corpora that end in one of some ways.
func seeds(f *testing.F, endings ...string) {
	f.Helper()
	cases, err := bakecorpus.Read("testdata/bake")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		for _, file := range c.Files {
			for _, e := range endings {
				if strings.HasSuffix(file.Name, e) {
					f.Add(file.Data)
				}
			}
		}
	}
	var files []string
	for _, pattern := range []string{"testdata/error/*", "../examples/*/cache*", "../cache.hcl.example"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		for _, e := range endings {
			if strings.HasSuffix(strings.TrimSuffix(name, ".example"), e) {
				raw, err := os.ReadFile(name)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(raw)
			}
		}
	}
}

// survive takes a text as far as it goes and holds what is promised.
func survive(t *testing.T, dir, name string, src []byte) *config.Resolution {
	t.Helper()
	start := time.Now()
	res, diags := resolveIn(t, dir, name, src)
	if res != nil {
		diags = append(diags, res.Validate()...)
		if _, err := res.JSON(); err != nil {
			t.Errorf("print: %v", err)
		}
	}
	if took := time.Since(start); took > fuzzTime {
		t.Errorf("it took %s", took)
	}
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		if d.Subject == nil || d.Subject.Filename == "" || d.Subject.Start.Line < 1 || d.Subject.End.Byte > len(src)+1 || d.Subject.Start.Byte > d.Subject.End.Byte {
			t.Errorf("an error without a place: %v (%+v)", d, d.Subject)
		}
		if d.Summary == "" || d.Detail == "" {
			t.Errorf("an error that says nothing: %+v", d)
		}
	}
	return res
}

func resolveIn(t *testing.T, dir, name string, src []byte) (*config.Resolution, hcl.Diagnostics) {
	c, diags := config.Load(t.Context(), config.Options{
		Files: []string{"-"}, Stdin: bytes.NewReader(src), StdinName: name, Dir: dir, LookupEnv: func(string) (string, bool) { return "", false },
	})
	if diags.HasErrors() {
		return nil, diags
	}
	var names []string
	for _, l := range c.Names() {
		if l.Kind != "variable" {
			names = append(names, l.Name)
		}
	}
	if len(names) == 0 {
		return nil, diags
	}
	res, more := c.Resolve(config.Selection{Names: names})
	return res, append(diags, more...)
}

func FuzzHCL(f *testing.F) {
	seeds(f, ".hcl")
	for _, value := range []string{`timestamp()`, `unset`, `null`, `{ a = timestamp() }`, `[timestamp()]`, `"a-${uuidv4()}"`, `[uuidv4(), null]`, `[[[]]]`, `jsondecode("{}")`, `1/0`, `target.t`, `"${timestamp()}"`} {
		for _, text := range everywhere(value) {
			f.Add([]byte(text))
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > fuzzSize {
			return
		}
		survive(t, dir, "cache.hcl", src)
		survive(t, dir, "docker-bake.hcl", src)
	})
}

// everywhere writes a value for each attribute of each block, one a file, and in the other places where there can be one.
func everywhere(value string) []string {
	const before, after = "variable \"v\" {\n  default = ", "\n}\ntarget \"t\" {\n  args = { A = v }\n}\n"
	texts := []string{
		"global = " + value + "\ntarget \"t\" {\n  args = { A = global }\n}\n", before + value + after, before + "1\n  type = " + value + after, before + "1\n  description = " + value + after,
		before + "1\n  validation {\n    condition = " + value + "\n  }" + after, before + "1\n  validation {\n    condition = false\n    error_message = " + value + "\n  }" + after,
		"target \"t\" {\n  cache-to \"registry\" {\n    ref = " + value + "\n  }\n}\n", "target \"t\" {\n  name = " + value + "\n  matrix = { a = [" + value + "] }\n}\n",
		"target \"t\" {\n  name = \"t-${a}\"\n  matrix = { a = " + value + " }\n}\n", "target \"t\" {\n  cache-from = [{ type = \"registry\", ref = " + value + " }, " + value + "]\n}\n",
	}
	for _, b := range schema.Blocks {
		for _, a := range b.Attributes {
			text := b.Name + " {\n"
			if b.Label != "" {
				text = b.Name + " \"x\" {\n"
			}
			for _, other := range b.Attributes {
				if other.Required && other.Name != a.Name {
					text += "  " + other.Name + " = []\n"
				}
			}
			texts = append(texts, text+"  "+a.Name+" = "+value+"\n}\n")
		}
	}
	return texts
}

func FuzzJSON(f *testing.F) {
	seeds(f, ".json")
	for _, s := range []string{`{"target": {"a": {"args": {"A": "${[for x in range(3): x][0]}"}}}}`, `{"variable": {"a": {"type": "list(string)", "default": "%{if true}x%{endif}"}}}`} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > fuzzSize {
			return
		}
		survive(t, dir, "cache.json", src)
	})
}

// FuzzCacheReference gives strings to caches, in lists and as the reference of a block.
func FuzzCacheReference(f *testing.F) {
	for _, s := range []string{
		"a/b", "a/b:c,d/e", "type=registry,ref=a/b:c@sha256:" + strings.Repeat("a", 64), "type=local,dest=x,compression=zstd,compression-level=22", "type=s3,\"region=a,b\"",
		"type=gha,scope=é", "localhost:5000/x:y", "[::1]:5000/x", "type=inline", " type = registry ", "=,=", "type=registry,ref=", "\x00", "type=registry,ref=a/b\n", `"`,
	} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > fuzzSize {
			return
		}
		quoted := string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
		for _, form := range []string{
			"target \"t\" {\n  cache-from = [%]\n  cache-to = [%]\n}\n", "target \"t\" {\n  cache-to \"registry\" {\n    ref = %\n  }\n}\n", "target \"t\" {\n  cache-from = [{ type = \"local\", src = %, digest = % }]\n}\n",
		} {
			survive(t, dir, "cache.hcl", []byte(strings.ReplaceAll(form, "%", quoted)))
		}
	})
}

// FuzzMigrate migrates files: what comes out is read again, and means the same where the old form could be evaluated.
func FuzzMigrate(f *testing.F) {
	seeds(f, ".hcl", ".json")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > fuzzSize {
			return
		}
		name := "cache.hcl"
		if bytes.HasPrefix(bytes.TrimSpace(src), []byte("{")) {
			name = "cache.json"
		}
		out, diags := migrate.File(t.Context(), src, strings.Replace(name, "cache", "docker-bake", 1), migrate.Options{Dir: dir, LookupEnv: func(string) (string, bool) { return "", false }})
		if diags.HasErrors() {
			return
		}
		if _, diags := hclsyntax.ParseConfig(out, "cache.hcl", hcl.InitialPos); diags.HasErrors() {
			t.Fatalf("what comes out is no HCL: %v\n%s", diags, out)
		}
		before, diags := resolveIn(t, dir, name, src)
		if before == nil || diags.HasErrors() || bytes.Contains(src, []byte("timestamp")) || bytes.Contains(src, []byte("uuid")) || bytes.Contains(src, []byte("bcrypt")) {
			return
		}
		after, diags := resolveIn(t, dir, "cache.hcl", out)
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, out)
		}
		if one, two := printedForm(t, before), printedForm(t, after); one != two {
			t.Errorf("before:\n%s\nafter:\n%s\n%s", one, two, out)
		}
	})
}
