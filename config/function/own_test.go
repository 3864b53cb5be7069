package function_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/cachectl/cachectl/config/function"
)

// stringOf evaluates an expression that gives a string.
func stringOf(t testing.TB, opts function.Options, expression string, variables map[string]cty.Value) string {
	t.Helper()
	v, err := call(t, opts, expression, variables)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v.AsString()
}

func TestTimestampHomedirAndUUIDComeFromOptions(t *testing.T) {
	opts := function.Options{
		Now:  func() time.Time { return time.Date(2024, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600)) },
		Home: func() (string, error) { return "/home/x", nil },
		Rand: bytes.NewReader(make([]byte, 16)),
	}
	for expression, want := range map[string]string{
		`timestamp()`: "2024-02-03T03:05:06Z",
		`homedir()`:   "/home/x",
		`uuidv4()`:    "00000000-0000-4000-8000-000000000000",
	} {
		if got := stringOf(t, opts, expression, nil); got != want {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
}

func TestRSADecryptOpensWhatTheKeyClosed(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := rsa.EncryptPKCS1v15(rand.Reader, &key.PublicKey, []byte("message")) //nolint:staticcheck // the form rsadecrypt takes
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	variables := map[string]cty.Value{
		"closed": cty.StringVal(base64.StdEncoding.EncodeToString(closed)),
		"key":    cty.StringVal(string(block)),
	}
	if got := stringOf(t, function.Options{}, `rsadecrypt(closed, key)`, variables); got != "message" {
		t.Errorf("got %q", got)
	}
}

func TestBase64DecodeDoesNotRepeatItsInput(t *testing.T) {
	// "secret" and an invalid byte, and "secret" cut short
	for _, input := range []string{"/3NlY3JldA==", "c2VjcmV0c2Vjc"} {
		_, err := function.Library(function.Options{})["base64decode"].Call([]cty.Value{cty.StringVal(input)})
		if err == nil {
			t.Fatalf("%s: no error", input)
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), input) {
			t.Errorf("the error repeats what it was given: %v", err)
		}
	}
}

func TestEnvReadsTheEnvironmentItWasGiven(t *testing.T) {
	opts := function.Options{Env: func(name string) (string, bool) { return "main", name == "BRANCH" }}
	for expression, want := range map[string]string{
		`env("BRANCH")`:          "main",
		`env("BRANCH", "other")`: "main",
		`env("NONE", "other")`:   "other",
		`env("NONE", "")`:        "",
		`try(env("NONE"), "x")`:  "x",
	} {
		if got := stringOf(t, opts, expression, nil); got != want {
			t.Errorf("%s = %q, want %q", expression, got, want)
		}
	}
	for expression, want := range map[string]string{
		`env("NONE")`:        "NONE is not set",
		`env("A", "b", "c")`: "one default",
	} {
		if _, err := call(t, opts, expression, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", expression, err, want)
		}
	}
}

func TestFileFunctionsStayBelowTheirRoot(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), "outside")
	root := filepath.Join(dir, "root")
	write(t, filepath.Join(root, "a.txt"), "hello\n")
	write(t, filepath.Join(root, "binary"), "\xff\xfe")
	write(t, filepath.Join(root, "large"), strings.Repeat("x", function.MaxFile+1))
	if err := os.Symlink("../secret", filepath.Join(root, "escape")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := function.Options{FS: rooted(t, root), Dir: root}
	sum := sha256.Sum256([]byte("hello\n"))
	for expression, want := range map[string]string{
		`file("a.txt")`:                            "hello\n",
		`file("./a.txt")`:                          "hello\n",
		`filehash("a.txt")`:                        hex.EncodeToString(sum[:]),
		`format("%v", fileexists("a.txt"))`:        "true",
		`format("%v", fileexists("b.txt"))`:        "false",
		`format("%v", fileexists("."))`:            "false",
		`format("%v", fileexists("pipe"))`:         "false",
		`format("%v", strlen(filehash("binary")))`: "64",
		`format("%v", strlen(filehash("large")))`:  "64",
	} {
		if got := stringOf(t, opts, expression, nil); got != want {
			t.Errorf("%s = %q, want %q", expression, got, want)
		}
	}
	for expression, want := range map[string]string{
		`file("none")`:            "no such file",
		`file("binary")`:          "not UTF-8",
		`file("large")`:           "larger than",
		`file("../secret")`:       "not a path below",
		`file("/etc/passwd")`:     "not a path below",
		`file("")`:                "not a path below",
		`file("escape")`:          "escapes",
		`file("pipe")`:            "not a regular file",
		`filehash(".")`:           "not a regular file",
		`fileexists("../secret")`: "not a path below",
		`glob("../*")`:            "not a path below",
	} {
		v, err := call(t, opts, expression, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s = %#v, %v, want an error with %q", expression, v, err, want)
		}
	}
}

func TestGlobMatchesFilesAndDirectories(t *testing.T) {
	fsys := fstest.MapFS{}
	for _, name := range []string{
		"a.go", "b.txt", "services/api/Dockerfile", "services/web/Dockerfile", "services/web/sub/Dockerfile", ".git/HEAD", "services/x.md",
	} {
		fsys[name] = &fstest.MapFile{}
	}
	opts := function.Options{FS: fsys}
	for pattern, want := range map[string][]string{
		"*.go":                  {"a.go"},
		"services/*":            {"services/api", "services/web", "services/x.md"},
		"services/*/Dockerfile": {"services/api/Dockerfile", "services/web/Dockerfile"},
		"**/Dockerfile":         {"services/api/Dockerfile", "services/web/Dockerfile", "services/web/sub/Dockerfile"},
		"**/**/x.md":            {"services/x.md"},
		"services/web/**":       {"services/web/Dockerfile", "services/web/sub", "services/web/sub/Dockerfile"},
		"./a.[gh]o":             {"a.go"},
		".git/*":                {".git/HEAD"},
		"none/*":                nil,
		"a.go/*":                nil,
	} {
		v, err := call(t, opts, `glob("`+pattern+`")`, nil)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		var got []string
		for _, name := range v.AsValueSlice() {
			got = append(got, name.AsString())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", pattern, diff)
		}
	}
	if _, err := call(t, opts, `glob("[")`, nil); err == nil || !strings.Contains(err.Error(), "not a pattern") {
		t.Errorf("bad pattern: %v", err)
	}
}

func TestSanitizeRefChangesOnlyWhatIsNotATag(t *testing.T) {
	long := strings.Repeat("a", 128)
	for name, want := range map[string]string{
		"main":       "main",
		"v1.2_3-rc":  "v1.2_3-rc",
		long:         long,
		"feature/x":  "feature-x-" + shortHash("feature/x"),
		".hidden":    "_hidden-" + shortHash(".hidden"),
		"-dash":      "_dash-" + shortHash("-dash"),
		"é":          "_-" + shortHash("é"),
		"x-0123abcd": "x-0123abcd-" + shortHash("x-0123abcd"),
		long + "b":   long[:119] + "-" + shortHash(long+"b"),
	} {
		got := stringOf(t, function.Options{}, `sanitize_ref(name)`, map[string]cty.Value{"name": cty.StringVal(name)})
		if got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

func TestSanitizeRefGivesLegalTagsThatDoNotCollide(t *testing.T) {
	tag := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	seen := map[string]string{}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(
			rapid.StringMatching(`[a-b/._-]{1,6}`), rapid.StringN(1, 200, 400), rapid.StringMatching(`[a-b/]{1,3}-[0-9a-f]{8}`),
		).Draw(rt, "name")
		name = cty.StringVal(name).AsString() // as the language normalises it
		got := stringOf(t, function.Options{}, `sanitize_ref(name)`, map[string]cty.Value{"name": cty.StringVal(name)})
		if !tag.MatchString(got) {
			rt.Fatalf("%q becomes %q, which is not a tag", name, got)
		}
		if other, ok := seen[got]; ok && other != name {
			rt.Fatalf("%q and %q both become %q", name, other, got)
		}
		seen[got] = name
	})
}

func rooted(t *testing.T, dir string) fs.FS {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root.FS()
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
