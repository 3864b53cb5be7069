package remote_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config/remote"
)

// FuzzParse reads addresses: what is taken gives git nothing that it would take for an option, and hides passwords.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"https://h/x.git#main:sub", "git@h:x/y.git", "github.com/a/b", "ssh://u@h:22/x.git?ref=a&subdir=b", "https://u:p@h/f.hcl?x=y#z", "git://h/x#:../..", "https://h/x.git?checksum=abc",
		"https://h/x.git#--upload-pack=x", "http://[::1]:80/x.git", "git://#:..0", "https://h/%2e%2e/x.git",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := remote.Parse(s)
		if err != nil || !remote.Is(s) { // what is no address is never asked for
			return
		}
		if p := l.Password(); len(p) > 3 && !strings.Contains(strings.NewReplacer(":"+p+"@", "@").Replace(s), p) && strings.Contains(l.Name("f"), p) {
			t.Errorf("the name %q of %q has the password in it", l.Name("f"), s)
		}
		if !l.IsGit() {
			return
		}
		for _, dir := range []string{".", "a", "../a", "/a"} {
			at := l.Context(dir)
			if _, err := remote.Parse(at); err != nil {
				t.Errorf("%q below %q is %q: %v", dir, s, at, err)
			}
			_, fragment, _ := strings.Cut(at, "#")
			if _, sub, _ := strings.Cut(fragment, ":"); dir != "." && slices.Contains(strings.Split(sub, "/"), "..") {
				t.Errorf("%q below %q is %q", dir, s, at)
			}
		}
	})
}
