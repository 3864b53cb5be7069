package function_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/cachectl/cachectl/config/function"
)

// update records what buildx says of each expression again; .tools/bin/buildx must be v0.37.2.
var update = flag.Bool("update", false, "record the results of buildx again")

const (
	recordedHome = "/home/someone"
	failed       = "error"
)

// recording is one expression and what it is in Bake, as JSON, or "error".
type recording struct {
	expression, result string
}

func TestExpressionsGiveWhatBakeGives(t *testing.T) {
	files, err := filepath.Glob("testdata/bake/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			recordings := readRecordings(t, file)
			if *update {
				recordings = record(t, recordings)
				writeRecordings(t, file, recordings)
			}
			for _, r := range recordings {
				if got := evaluate(t, r.expression); got != r.result {
					t.Errorf("%s\n got %s\nwant %s", r.expression, got, r.result)
				}
			}
		})
	}
}

func TestEveryFunctionOfBakeIsRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/bake/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		for _, r := range readRecordings(t, file) {
			if r.result != failed {
				all.WriteString(r.expression + "\n")
			}
		}
	}
	for _, name := range bakeNames(t) {
		switch name {
		case "rsadecrypt": // a private key does not belong in a repository; another test makes one
			continue
		case "byteslen", "bytesslice": // they take bytes, and no expression has that type, in Bake neither
			continue
		}
		if !strings.Contains(all.String(), name+"(") {
			t.Errorf("no recorded result of %s", name)
		}
	}
}

// evaluate is the JSON of an expression, or "error".
func evaluate(t *testing.T, expression string) string {
	t.Helper()
	library := function.Library(function.Options{Home: func() (string, error) { return recordedHome, nil }})
	expr, diags := hclsyntax.ParseExpression([]byte("jsonencode("+expression+")"), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		return failed
	}
	v, diags := expr.Value(&hcl.EvalContext{Functions: library, Variables: map[string]cty.Value{}})
	// A null argument without a type makes the result unknown, which no attribute takes.
	if diags.HasErrors() || !v.IsKnown() {
		return failed
	}
	return v.AsString()
}

// readRecordings reads lines of expressions, each followed by a line "\t=> result".
func readRecordings(t *testing.T, file string) []recording {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var recordings []recording
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		if result, ok := strings.CutPrefix(line, "\t=> "); ok {
			recordings[len(recordings)-1].result = result
			continue
		}
		recordings = append(recordings, recording{expression: line})
	}
	return recordings
}

func writeRecordings(t *testing.T, file string, recordings []recording) {
	t.Helper()
	var content bytes.Buffer
	for _, r := range recordings {
		content.WriteString(r.expression + "\n\t=> " + r.result + "\n")
	}
	if err := os.WriteFile(file, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// record asks buildx for each expression.
func record(t *testing.T, recordings []recording) []recording {
	t.Helper()
	buildx, err := filepath.Abs("../../.tools/bin/buildx")
	if err != nil {
		t.Fatal(err)
	}
	if version, err := exec.CommandContext(t.Context(), buildx, "version").Output(); err != nil {
		t.Fatalf("run %s: %v", buildx, err)
	} else if !bytes.Contains(version, []byte("buildx")) {
		t.Fatalf("%s is not buildx: %s", buildx, version)
	}
	out := make([]recording, len(recordings))
	for i, r := range recordings {
		out[i] = recording{r.expression, askBake(t, buildx, r.expression)}
	}
	return out
}

func askBake(t *testing.T, buildx, expression string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), buildx, "bake", "--print", "-f", "-")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"HOME=" + recordedHome, "BUILDX_CONFIG=" + cmd.Dir}
	cmd.Stdin = strings.NewReader("target \"default\" {\n  args = { v = jsonencode(" + expression + ") }\n}\n")
	stdout, err := cmd.Output()
	if err != nil {
		return failed
	}
	var printed struct {
		Target map[string]struct{ Args map[string]string }
	}
	if err := json.Unmarshal(stdout, &printed); err != nil {
		t.Fatalf("%s: %v in %s", expression, err, stdout)
	}
	// print escapes template markers in args
	return strings.NewReplacer("$${", "${", "%%{", "%{").Replace(printed.Target["default"].Args["v"])
}
