package config

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/hashicorp/hcl/v2"
)

// DefaultGrace is how long blobs that nothing needs stay where a policy does not say.
const DefaultGrace = 24 * time.Hour

// newRetention reads a policy, with every mistake in it.
func newRetention(b *block, attrs attributes) (*Retention, hcl.Diagnostics) {
	r := &Retention{Name: b.label, Description: attrs.text("description"), Branches: attrs.truth("branches"), Grace: DefaultGrace, Range: b.def}
	var diags hcl.Diagnostics
	set := func(name string, parse func(string) error) {
		v := attrs[name]
		if v == nil {
			return
		}
		if err := parse(*v.text); err != nil {
			diags = append(diags, errorf(&v.rng, "Invalid value", "%q: %v.", name, err))
		}
	}
	set("max-age", func(s string) (err error) { r.MaxAge, err = ParseAge(s); return err })
	set("max-idle", func(s string) (err error) { r.MaxIdle, err = ParseAge(s); return err })
	set("grace", func(s string) (err error) { r.Grace, err = ParseAge(s); return err })
	set("max-size", func(s string) (err error) { r.MaxSize, err = ParseSize(s); return err })
	set("max-results", func(s string) (err error) { r.MaxResults, err = ParseCount(s); return err })
	for name, list := range map[string]*[]string{"targets": &r.Targets, "keep": &r.Keep, "names": &r.Names} {
		v := attrs[name]
		if v == nil {
			continue
		}
		*list = v.list
		if err := CheckPatterns(v.list); err != nil {
			diags = append(diags, errorf(&v.rng, "Invalid value", "%q: %v.", name, err))
		}
	}
	if err := r.CheckBranches(); err != nil {
		at := b.def
		if v := attrs["branches"]; v != nil {
			at = v.rng
		}
		diags = append(diags, errorf(&at, "Invalid value", "%v.", err))
	}
	return r, diags
}

// CheckBranches tells whether the names say where a branch stands in them, if that matters.
func (r *Retention) CheckBranches() error {
	if !r.Branches {
		return nil
	}
	if len(r.Names) == 0 {
		return fmt.Errorf("branches needs names: patterns whose * stands for a branch, for instance names = [\"*\"] where a cache's tag is its branch")
	}
	for _, n := range r.Names {
		if strings.Count(n, "*") != 1 || strings.ContainsAny(n, `?[\`) {
			return fmt.Errorf("with branches each of names has one * that stands for the branch, and no other pattern; %q does not", n)
		}
	}
	return nil
}

// governed checks that the patterns of targets fit something.
func (c *Config) governed(r *Retention) hcl.Diagnostics {
	var diags hcl.Diagnostics
	names := append(sortedNames(c.targets), sortedNames(c.transfers)...)
	for _, pattern := range r.Targets {
		fits := func(name string) bool {
			ok, _ := path.Match(pattern, name)
			return ok
		}
		if !slices.ContainsFunc(names, fits) {
			diags = append(diags, errorf(&r.Range, "Unknown target", "No target or transfer matches %q in retention %q.%s", pattern, r.Name, didYouMean(pattern, names)))
		}
	}
	return diags
}

// Governs tells whether the policy holds for what a target or transfer of that name writes.
func (r *Retention) Governs(name string) bool {
	return len(r.Targets) == 0 || slices.ContainsFunc(r.Targets, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

var wholeDays = regexp.MustCompile(`^([0-9]{1,6})d$`)

// ParseAge reads a length of time that is not negative: what Go's time.ParseDuration reads, and whole days as 14d.
func ParseAge(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if m := wholeDays.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		if n > int(math.MaxInt64/(24*time.Hour)) {
			return 0, fmt.Errorf("%s is too long", s)
		}
		d, err = time.Duration(n)*24*time.Hour, nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a length of time such as 336h or 14d", s)
	}
	return d, nil
}

// ParseSize reads a number of bytes: 20GB is 20·10⁹, 20GiB is 20·2³⁰.
func ParseSize(s string) (int64, error) {
	parse := units.FromHumanSize
	if strings.HasSuffix(strings.ToLower(s), "ib") {
		parse = units.RAMInBytes
	}
	n, err := parse(s)
	if err != nil || n < 0 || n > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a size such as 20GB or 20GiB", s)
	}
	return n, nil
}

// ParseCount reads a whole number that is not negative.
func ParseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a whole number", s)
	}
	return n, nil
}

// CheckPatterns tells whether all of a list are patterns of path.Match.
func CheckPatterns(list []string) error {
	for _, p := range list {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return fmt.Errorf("%q is not a pattern", p)
		}
	}
	return nil
}
