package schema_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/schema"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the reference page")

const page = "../docs/language.md"

var (
	kinds = map[schema.Kind]string{
		schema.String: "string", schema.Bool: "bool", schema.Number: "number", schema.Strings: "list of strings", schema.Map: "map of strings",
		schema.Caches: "caches", schema.Outputs: "outputs", schema.Secrets: "secrets", schema.Agents: "agents", schema.Attests: "attestations",
		schema.Resources: "object", schema.Policies: "list", schema.Matrix: "lists by name", schema.Any: "any",
	}
	merges = map[schema.Merge]string{schema.Replace: "replaced", schema.Append: "appended", schema.PerKey: "by key", schema.ByID: "by id"}
)

const intro = `# The language

A configuration is HCL, or JSON ([cache.schema.json](../schema/cache.schema.json) tells editors of it): ` + "`cache.hcl`" + `, or Docker Bake's files as they are. This page is made from the tables in
` + "`schema/`" + `; a test keeps it fresh.

Files named with -f are merged in order; without -f, ` + "`cache.hcl`, `cache.json`" + ` and their ` + "`.override`" + ` files are, or, where there are none, Bake's.
In a ` + "`cache.hcl`" + ` an unknown name is an error; in a ` + "`docker-bake.*`" + ` file it is a warning, as Bake ignores it. Attributes at the top of a file are
values that expressions can use. Functions are Bake's, and ` + "`file`, `fileexists`, `filehash`, `glob`, `env`, `git_branch`, `git_sha`, `sanitize_ref`" + `.

An address in place of the first name, or behind -f, is fetched: a git repository (` + "`https://HOST/PATH.git#REF:DIR`, `git://…`, `ssh://…`, `git@HOST:PATH`" + `), in
which -f names files and relative contexts lie, or the address of one file. Files of this machine are ` + "`cwd://FILE`" + ` then. A fetched configuration
touches nothing of this machine that ` + "`--allow`" + ` does not name: ` + "`fs=PATH`, `fs.read=PATH`, `fs.write=PATH`, `ssh`, `network.host`, `security.insecure`, `device`" + `.

A cache is a labelled block, a string or an object; all mean the same:

` + "```hcl" + `
cache-to "registry" {
  ref  = "registry.example.com/cache:main"
  mode = "max"
}
cache-to = ["type=registry,ref=registry.example.com/cache:main,mode=max"]
cache-to = [{ type = "registry", ref = "registry.example.com/cache:main", mode = "max" }]
` + "```" + `

`

// reference is the page.
func reference() string {
	var b strings.Builder
	b.WriteString(intro)
	for _, block := range schema.Blocks {
		fmt.Fprintf(&b, "## %s", block.Name)
		if block.Label != "" {
			fmt.Fprintf(&b, " \"%s\"", strings.ToUpper(block.Label))
		}
		fmt.Fprintf(&b, "\n\n%s\n\n| attribute | type | when inherited or written again | --set | |\n|---|---|---|---|---|\n", block.Doc)
		for _, a := range block.Attributes {
			set := ""
			switch a.Set {
			case schema.SetValue, schema.SetList:
				set = "`" + a.SetKeyName() + "=`"
			case schema.SetKey:
				set = "`" + a.SetKeyName() + ".KEY=`"
			}
			merge := ""
			if block.Name == "target" {
				merge = merges[a.Merge]
			}
			required := ""
			if a.Required {
				required = "**Required.** "
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s%s |\n", a.Name, kinds[a.Kind], merge, set, required, a.Doc)
		}
		b.WriteString("\n")
	}
	b.WriteString("# Caches\n\n")
	for _, backend := range schema.Backends {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n| attribute | from | to | default | |\n|---|---|---|---|---|\n", backend.Name, backend.Doc)
		for _, a := range backend.Attributes {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", a.Name, mark(a, schema.From), mark(a, schema.To), code(a.Default), describe(a))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func mark(a schema.CacheAttribute, side schema.Side) string {
	switch {
	case a.Side&side == 0:
		return ""
	case a.Required:
		return "required"
	}
	return "yes"
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func describe(a schema.CacheAttribute) string {
	s := a.Doc
	if len(a.Enum) > 0 {
		s += " One of " + strings.Join(a.Enum, ", ") + "."
	}
	if a.Env != "" {
		s += " From `" + a.Env + "` when not written."
	}
	if a.Ignored {
		s += " Without effect here."
	}
	return s
}

func TestTheReferenceIsWhatTheTablesSay(t *testing.T) {
	got := reference()
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the tables say; run the test with -update (-page +tables):\n%s", page, diff)
	}
}

func TestEveryAttributeIsDocumentedOnce(t *testing.T) {
	for _, b := range schema.Blocks {
		seen := map[string]bool{}
		for _, a := range b.Attributes {
			if a.Doc == "" || seen[a.Name] {
				t.Errorf("%s.%s has no documentation or is there twice", b.Name, a.Name)
			}
			seen[a.Name] = true
		}
	}
	for _, b := range schema.Backends {
		seen := map[string]bool{}
		for _, a := range b.Attributes {
			if a.Doc == "" || seen[a.Name] || a.Side == 0 {
				t.Errorf("%s.%s has no documentation, no side, or is there twice", b.Name, a.Name)
			}
			seen[a.Name] = true
		}
	}
}
