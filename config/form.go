package config

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cachectl/cachectl/schema"
	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"
	digest "github.com/opencontainers/go-digest"
)

// maxScope is how long a scope may be: GitHub takes keys of 512 bytes, and BuildKit's have 24 besides the scope and a number.
const maxScope = 470

// form is how values of an attribute are written.
type form struct {
	// title heads the error about another value; "" is that of all attributes.
	title string
	// check returns what is wrong with a value v of the attribute name, "" for nothing.
	check func(name, v string) string
}

// forms are the attributes of caches whose values are more than the schema says of them.
var forms = map[string]form{
	"ref": {"Invalid reference", func(_, v string) string {
		_, err := reference.ParseNormalizedNamed(v)
		return unless(err == nil, "%q is not a reference like registry.example.com/team/cache:main: %v.", v, err)
	}},
	"digest": {"Invalid digest", func(_, v string) string {
		err := digest.Digest(v).Validate()
		return unless(err == nil, "%q is not a digest like sha256:…: %v.", v, err)
	}},
	"timeout": {check: func(name, v string) string {
		d, err := time.ParseDuration(v)
		return unless(err == nil && d > 0, "%q is %q; it must be a time like 10m or 90s.", name, v)
	}},
	"touch_refresh": {check: func(name, v string) string {
		_, err := time.ParseDuration(v)
		return unless(err == nil, "%q is %q; it must be a time like 24h or 90m.", name, v)
	}},
	"scope": {check: func(name, v string) string {
		ok := v != "" && len(v) <= maxScope && !strings.Contains(v, ",")
		return unless(ok, "%q is part of the keys in GitHub's cache: it cannot be empty, have a comma, or be longer than %d bytes.", name, maxScope)
	}},
	"repository": {check: func(name, v string) string {
		owner, repo, _ := strings.Cut(v, "/")
		ok := owner != "" && repo != "" && !strings.ContainsAny(v, "?#% ") && !strings.Contains(repo, "/")
		return unless(ok, "%q is %q; it must be a repository like team/app.", name, v)
	}},
	"name": {check: func(name, v string) string {
		return unless(strings.Trim(v, ";") != "", "%q is %q and names no cache; leave it out for \"buildkit\".", name, v)
	}},
	"upload_parallelism": {check: oneOrMore}, "retry_max_attempts": {check: oneOrMore},
	"endpoint_url": {check: address}, "account_url": {check: address}, "url": {check: address}, "url_v2": {check: address},
}

func oneOrMore(name, v string) string {
	n, _ := strconv.Atoi(v)
	return unless(n >= 1, "%q is %q; it must be 1 or more.", name, v)
}

func address(name, v string) string {
	u, err := url.Parse(v)
	ok := v == "" || (err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "")
	return unless(ok, "%q must be an address like https://storage.example.com.", name)
}

// unless returns a text, or "" if all is well.
func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// validateValue checks the value of one attribute: what the schema says of it, and then its form.
func validateValue(a *schema.CacheAttribute, v string, at *hcl.Range) hcl.Diagnostics {
	const title = "Invalid cache attribute"
	if len(a.Enum) > 0 && !slices.Contains(a.Enum, v) {
		return hcl.Diagnostics{errorf(at, title, "%q is %q; it can be %s.%s", a.Name, v, strings.Join(a.Enum, ", "), didYouMean(v, a.Enum))}
	}
	if _, err := strconv.ParseBool(v); a.Kind == schema.Bool && err != nil {
		return hcl.Diagnostics{errorf(at, title, "%q is %q; it can be true or false.", a.Name, v)}
	}
	if _, err := strconv.Atoi(v); a.Kind == schema.Number && err != nil {
		return hcl.Diagnostics{errorf(at, title, "%q is %q; it must be a whole number.", a.Name, v)}
	}
	f, ok := forms[a.Name]
	if !ok {
		return nil
	}
	if wrong := f.check(a.Name, v); wrong != "" {
		return hcl.Diagnostics{errorf(at, cmp.Or(f.title, title), "%s", wrong)}
	}
	return nil
}
