package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	units "github.com/docker/go-units"
	"github.com/hashicorp/hcl/v2"
)

// checkValues checks the attributes whose strings have a form of their own, before a builder is asked.
func (r *Resolution) checkValues() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, t := range r.Targets {
		for _, check := range []struct {
			attr string
			err  error
		}{
			{"platforms", t.checkPlatforms()}, {"shm-size", checkSize(t.ShmSize)}, {"ulimits", t.checkUlimits()}, {"resources", t.Resources.check()},
			{"annotations", t.checkAnnotations()}, {"output", t.checkOutputs()}, {"secret", t.checkSecrets()}, {"ssh", t.checkAgents()},
			{"context", notStdin(t.Context)}, {"dockerfile", notStdin(t.Dockerfile)}, {"max-age", checkAge(r.values[t.Name].pointer("max-age"))},
		} {
			if check.err != nil {
				diags = append(diags, errorf(t.at(check.attr), "Invalid value", "%q of target %q: %v.", check.attr, t.Name, check.err))
			}
		}
	}
	return diags
}

// at is where an attribute of a target was written, or the target where --set gave it.
func (t *Target) at(attr string) *hcl.Range {
	at := t.Ranges[attr]
	if at.Filename == "" {
		at = t.Range
	}
	return &at
}

func (t *Target) checkPlatforms() error {
	for _, p := range t.Platforms {
		if strings.EqualFold(p, "local") {
			continue
		}
		if _, err := platforms.Parse(p); err != nil {
			return fmt.Errorf("%q is not a platform like linux/amd64 or linux/arm/v7", p)
		}
	}
	return nil
}

func checkAge(s *string) error {
	if s == nil {
		return nil
	}
	_, err := ParseAge(*s)
	return err
}

func checkSize(s *string) error {
	if s == nil {
		return nil
	}
	if _, err := units.RAMInBytes(*s); err != nil {
		return fmt.Errorf("%q is not a size like 128m or 2g", *s)
	}
	return nil
}

func (t *Target) checkUlimits() error {
	for _, l := range t.Ulimits {
		if _, err := units.ParseUlimit(l); err != nil {
			return fmt.Errorf("%q is not a limit like nofile=1024:2048", l)
		}
	}
	return nil
}

func (r *Resources) check() error {
	if r == nil {
		return nil
	}
	if err := checkSize(r.Memory); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	if r.MemorySwap != nil && *r.MemorySwap != "-1" {
		if err := checkSize(r.MemorySwap); err != nil {
			return fmt.Errorf("memory-swap: %w", err)
		}
	}
	for name, v := range map[string]*string{"cpu-period": r.CPUPeriod, "cpu-quota": r.CPUQuota, "cpu-shares": r.CPUShares} {
		if v == nil {
			continue
		}
		if _, err := strconv.ParseInt(*v, 10, 64); err != nil {
			return fmt.Errorf("%s is %q; it must be a whole number", name, *v)
		}
	}
	return nil
}

// annotationLevel is what an annotation is put on, and for which platform (BuildKit: exporter/containerimage/exptypes/annotations.go).
var annotationLevel = regexp.MustCompile(`^(?:index|index-descriptor|manifest|manifest-descriptor)?(?:\[([A-Za-z0-9_/-]+)\])?$`)

func (t *Target) checkAnnotations() error {
	for _, a := range t.Annotations {
		name, _, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("%q is not [LEVEL:]KEY=VALUE", a)
		}
		levels, _, ok := strings.Cut(name, ":")
		if !ok {
			continue
		}
		for level := range strings.SplitSeq(levels, ",") {
			m := annotationLevel.FindStringSubmatch(level)
			if m == nil {
				return fmt.Errorf("%q in %q is not a level; there are index, index-descriptor, manifest and manifest-descriptor, each with [PLATFORM] behind it if need be", level, a)
			}
			if m[1] != "" {
				if _, err := platforms.Parse(m[1]); err != nil {
					return fmt.Errorf("%q in %q is not a platform like linux/amd64", m[1], a)
				}
			}
		}
	}
	return nil
}

func (t *Target) checkOutputs() error {
	stdout := 0
	for _, o := range t.Outputs {
		dest := o.Attrs["dest"]
		if o.Type == "local" || (o.Type == "oci" || o.Type == "docker") && !isArchive(o.Attrs) {
			if dest == "" || dest == "-" {
				return fmt.Errorf("an output of type %s needs a directory: dest=DIR", o.Type)
			}
		} else if dest == "-" {
			stdout++
		}
	}
	if stdout > 1 {
		return fmt.Errorf("%d outputs go to standard output; give all but one a dest", stdout)
	}
	return nil
}

func (t *Target) checkSecrets() error {
	for _, s := range t.Secrets {
		if s.ID == "" {
			return fmt.Errorf("a secret has no id")
		}
	}
	return nil
}

func (t *Target) checkAgents() error {
	var ids []string
	for _, a := range t.SSH {
		id := a.ID
		if id == "" {
			id = "default"
		}
		if slices.Contains(ids, id) {
			return fmt.Errorf("there are two agents with the id %q", id)
		}
		ids = append(ids, id)
	}
	return nil
}

func notStdin(s *string) error {
	if s != nil && *s == "-" {
		return fmt.Errorf("it cannot be read from standard input; name a path or a URL")
	}
	return nil
}
