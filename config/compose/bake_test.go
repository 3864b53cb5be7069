package compose_test

import (
	"encoding/json"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/cachectl/cachectl/config/compose"
)

// update records what buildx says of each project again; .tools/bin/buildx must be v0.37.2.
var update = flag.Bool("update", false, "record the answers of buildx again")

const recorded = "bake.json"

// printed is the part of buildx's answer that a Compose file decides.
type printed struct {
	Error  bool `json:"error,omitempty"`
	Group  map[string]struct{ Targets []string }
	Target map[string]map[string]any
}

func TestProjectsGiveWhatBakeGives(t *testing.T) {
	archives, err := filepath.Glob("testdata/bake/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, env := unpack(t, archive)
			if *update {
				record(t, root, name, archive, files, env)
			}
			var want printed
			if err := json.Unmarshal(section(t, archive, recorded), &want); err != nil {
				t.Fatal(err)
			}
			project, err := compose.Load(t.Context(), files, compose.Options{Env: env})
			if (err != nil) != want.Error {
				t.Fatalf("error %v, Bake has one: %t", err, want.Error)
			}
			if err != nil {
				return
			}
			compare(t, project, want)
		})
	}
}

// compare holds a project against what Bake prints of it.
func compare(t *testing.T, project *compose.Project, want printed) {
	t.Helper()
	got := map[string]map[string]any{}
	for _, target := range project.Targets {
		fields := map[string]any{}
		for name, value := range target.Attrs {
			content, err := ctyjson.Marshal(value, value.Type())
			if err != nil {
				t.Fatal(err)
			}
			var field any
			if err := json.Unmarshal(content, &field); err != nil {
				t.Fatal(err)
			}
			fields[name] = normal(t, name, field)
		}
		got[target.Name] = fields
	}
	for _, fields := range want.Target {
		for name, field := range fields {
			fields[name] = normal(t, name, unescape(field))
		}
		// Bake's defaults, and what a host network asks for, come with the merge.
		delete(fields, "entitlements")
	}
	for name, fields := range got {
		for field, value := range map[string]string{"context": ".", "dockerfile": "Dockerfile"} {
			if _, ok := fields[field]; !ok && want.Target[name][field] == value {
				fields[field] = value
			}
		}
	}
	if diff := cmp.Diff(want.Target, got); diff != "" {
		t.Errorf("targets (-bake +ours):\n%s", diff)
	}
	if len(project.Groups) != 1 || project.Groups[0].Name != "default" {
		t.Fatalf("groups %v", project.Groups)
	}
	names := slices.Sorted(slices.Values(want.Group["default"].Targets))
	if diff := cmp.Diff(names, project.Groups[0].Targets); diff != "" {
		t.Errorf("group default (-bake +ours):\n%s", diff)
	}
}

// normal brings lists of structured entries to one form: ours are strings and with repetitions, which the merge parses and removes.
func normal(t *testing.T, name string, field any) any {
	t.Helper()
	list, ok := field.([]any)
	if !ok {
		return field
	}
	var entries []string
	byID := map[string]string{}
	for _, item := range list {
		entry := item
		switch name {
		case "cache-from", "cache-to", "output", "attest", "secret", "ssh":
			entry = parse(name, item)
		}
		content, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		key := string(content)
		if fields, ok := entry.(map[string]any); ok && fields["id"] != nil {
			key = fields["id"].(string)
		}
		if _, ok := byID[key]; !ok {
			entries = append(entries, key)
		}
		byID[key] = string(content)
	}
	for i, key := range entries {
		entries[i] = byID[key]
	}
	slices.Sort(entries)
	return entries
}

// parse reads the string forms that the cases use.
func parse(name string, item any) any {
	text, ok := item.(string)
	if !ok {
		return item
	}
	fields := map[string]any{}
	switch {
	case name == "ssh":
		id, path, found := strings.Cut(text, "=")
		fields["id"] = id
		if found {
			fields["paths"] = []any{path}
		}
		return fields
	case !strings.Contains(text, "="):
		return map[string]any{"type": "registry", "ref": text}
	}
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		fields[key] = value
	}
	switch fields["disabled"] {
	case "true":
		fields["disabled"] = true
	case "false":
		delete(fields, "disabled")
	}
	return fields
}

// unescape undoes print's escapes of template markers.
func unescape(field any) any {
	switch field := field.(type) {
	case string:
		return strings.NewReplacer("$${", "${", "%%{", "%{").Replace(field)
	case map[string]any:
		for key, value := range field {
			field[key] = unescape(value)
		}
	}
	return field
}

// unpack writes the archive to a directory, makes that the current one, and returns its Compose files and environment.
func unpack(t *testing.T, archive *txtar.Archive) ([]compose.File, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	var files []compose.File
	env := map[string]string{}
	for _, f := range archive.Files {
		switch {
		case f.Name == recorded:
			continue
		case f.Name == "env":
			for line := range strings.Lines(string(f.Data)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				env[name] = value
			}
			continue
		case !strings.Contains(f.Name, "/") && strings.Contains(f.Name, "compose"):
			files = append(files, compose.File{Name: f.Name, Data: f.Data})
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files, env
}

func section(t *testing.T, archive *txtar.Archive, name string) []byte {
	t.Helper()
	for _, f := range archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	t.Fatalf("no section %s", name)
	return nil
}

// record asks buildx about the files in the current directory and keeps the answer in the archive.
func record(t *testing.T, root, name string, archive *txtar.Archive, files []compose.File, env map[string]string) {
	t.Helper()
	// buildx wants the agents that a file names to be there.
	agent, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", "agent.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	args := []string{"bake", "--print"}
	for _, f := range files {
		args = append(args, "-f", f.Name)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".tools/bin/buildx"), args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "BUILDX_BAKE_ENTITLEMENTS_FS=0"}
	for key, value := range env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Logf("buildx: %s", stderr.String())
		answer = []byte("{\"error\": true}\n")
	}
	kept := slices.DeleteFunc(slices.Clone(archive.Files), func(f txtar.File) bool { return f.Name == recorded })
	archive.Files = append(kept, txtar.File{Name: recorded, Data: answer})
	if err := os.WriteFile(filepath.Join(root, "config/compose", name), txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
