package planner

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
)

// Saved is what a plan was made from, as far as it may be shown: it goes with the plan into a file, and tells later whether the plan still holds. No value of an
// argument, a variable or a secret is in it.
type Saved struct {
	// Names are those that were selected, Files the configuration files that were named; none stand for the defaults.
	Names      []string `json:"names" doc:"names that were selected; none for the default"`
	Configs    []string `json:"configs" doc:"configuration files that were named; none for those found by default"`
	Push       *bool    `json:"push,omitempty" doc:"--push, where it was given"`
	Load       *bool    `json:"load,omitempty" doc:"--load, where it was given"`
	NoCache    *bool    `json:"no_cache,omitempty" doc:"--no-cache, where it was given"`
	Pull       *bool    `json:"pull,omitempty" doc:"--pull, where it was given"`
	SBOM       string   `json:"sbom,omitempty" doc:"--sbom, where it was given"`
	Provenance string   `json:"provenance,omitempty" doc:"--provenance, where it was given"`
	// Given are the flags that set values, without the values: they have to be given again.
	Given []string `json:"given" doc:"flags that set values, without the values; they have to be given again"`
	// Files are the files the plan was read from.
	Files []SavedFile `json:"files" doc:"files the plan was read from"`
	// Salt goes into the traces in Settings, so that the same value has another trace in each file.
	Salt string `json:"salt" doc:"what the traces are made with, in hexadecimal"`
	// Settings are traces of what is set, by target or transfer and attribute.
	Settings map[string]map[string]string `json:"settings" doc:"traces of what is set, by target or transfer and attribute; a trace tells that a value is another one, not which"`
	// Targets are what the targets would have been built from.
	Targets []SavedTarget `json:"targets,omitempty" doc:"what the targets would have been built from"`
	// Places are what was found where the plan reads, and where it overwrites.
	Places []SavedPlace `json:"places" doc:"what was found where the plan reads, and where it overwrites"`
}

// SavedFile is a file and the digest of its content.
type SavedFile struct {
	Name   string `json:"name" doc:"path of the file"`
	Digest string `json:"digest" doc:"digest of its content"`
}

// SavedTarget is what a target would be built from: files, images, arguments, the Dockerfile.
type SavedTarget struct {
	Target string `json:"target" doc:"name of the target"`
	Digest string `json:"digest,omitempty" doc:"digest of all that decides what is built; nothing if not all of it has a digest"`
	// Parts and Files say what differs when the digest does; they are left out where they are many.
	Parts []SavedPart                  `json:"parts,omitempty" doc:"what the digest is made of"`
	Files map[string]map[string]string `json:"files,omitempty" doc:"short digests of files, by context and path"`
}

// SavedPart is one thing that a target is built from.
type SavedPart struct {
	Kind  string `json:"kind" doc:"what it is: a context, an image, a step of the Dockerfile, an argument and so on"`
	Name  string `json:"name" doc:"its name"`
	Value string `json:"value" doc:"a digest, or what is no secret; of an argument a trace, which tells that a value is another one, not which"`
}

// SavedPlace is what was found at the place of a step.
type SavedPlace struct {
	Step   StepID `json:"step" doc:"step that reads or writes there"`
	Digest string `json:"digest,omitempty" doc:"digest of what is there; nothing if there is nothing"`
	// State says why there is no digest although something may be there.
	State string `json:"state,omitempty" doc:"why that is not known"`
}

// Save is the plan as JSON together with what it was made from.
func (p *Plan) Save(saved *Saved) ([]byte, error) {
	doc := p.document()
	doc.Saved = saved
	return encode(doc)
}

// SavedPlan is a plan that was read from a file.
type SavedPlan struct{ doc planJSON }

// Saved is what the plan was made from.
func (p *SavedPlan) Saved() *Saved { return p.doc.Saved }

// ErrNotSaved says that a file is no saved plan.
var ErrNotSaved = errors.New("not a saved plan; plan -out writes one")

// largestSaved is the size in bytes of the largest file that is read as a saved plan.
const largestSaved = 64 << 20

// ReadSaved reads what Save wrote. The error wraps ErrNotSaved for anything else.
func ReadSaved(r io.Reader) (*SavedPlan, error) {
	raw, err := io.ReadAll(io.LimitReader(r, largestSaved+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > largestSaved {
		return nil, fmt.Errorf("%w: it has more than %d MiB", ErrNotSaved, largestSaved>>20)
	}
	p := &SavedPlan{}
	if err := json.Unmarshal(raw, &p.doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	switch {
	case p.doc.Saved == nil:
		return nil, ErrNotSaved
	case major(p.doc.FormatVersion) != major(FormatVersion):
		return nil, fmt.Errorf("the plan has format %q, this program knows %s: plan again with it", p.doc.FormatVersion, FormatVersion)
	}
	return p, nil
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// Moved is something that is not as it was when a plan was made. Then and Now are what may be shown of either, Why is what differs, where that is known.
type Moved struct {
	What, Then, Now string
	Why             []string
}

func (m Moved) String() string {
	s := fmt.Sprintf("%s: was %s, is %s", m.What, m.Then, m.Now)
	for _, why := range m.Why {
		s += "\n    " + why
	}
	return s
}

// Moved compares a saved plan with the same plan made again, with the same salt, and lists what differs: files first, then what is set, places, and the
// steps themselves where nothing else explains them.
func (p *SavedPlan) Moved(now *Plan, saved *Saved) []Moved {
	then := p.doc.Saved
	list := compare("file", digests(then.Files), digests(saved.Files), "not there")
	for _, owner := range slices.Sorted(maps.Keys(union(then.Settings, saved.Settings))) {
		before, have := then.Settings[owner]
		after, has := saved.Settings[owner]
		if !have || !has {
			continue // its steps tell
		}
		for _, attr := range slices.Sorted(maps.Keys(union(before, after))) {
			if before[attr] != after[attr] {
				list = append(list, Moved{What: owner + "." + attr, Then: presence(before[attr], "one value"), Now: presence(after[attr], "another")})
			}
		}
	}
	list = append(list, compare("", contents(then.Places), contents(saved.Places), "not looked at")...)
	if len(list) > 0 {
		return list
	}
	return compare("step", steps(p.doc), steps(now.document()), "not in the plan")
}

func presence(trace, value string) string {
	if trace == "" {
		return "not set"
	}
	return value
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return all
}

func compare(kind string, then, now map[string]string, absent string) []Moved {
	var list []Moved
	for _, name := range slices.Sorted(maps.Keys(union(then, now))) {
		before, after := then[name], now[name]
		if before == after {
			continue
		}
		if before == "" {
			before = absent
		}
		if after == "" {
			after = absent
		}
		list = append(list, Moved{What: strings.TrimSpace(kind + " " + name), Then: before, Now: after})
	}
	return list
}

func digests(files []SavedFile) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		out[f.Name] = f.Digest
	}
	return out
}

// contents are what is at each place that was looked at.
func contents(list []SavedPlace) map[string]string {
	out := map[string]string{}
	for _, p := range list {
		switch {
		case p.Digest != "":
			out[string(p.Step)] = p.Digest
		case p.State != "":
			out[string(p.Step)] = p.State
		default:
			out[string(p.Step)] = "empty"
		}
	}
	return out
}

// steps are the steps as one line each.
func steps(doc planJSON) map[string]string {
	out := map[string]string{}
	for _, s := range doc.Steps {
		raw, _ := json.Marshal(s) // made of strings
		out[string(s.ID)] = string(raw)
	}
	return out
}

// Settings are traces of all that is set for the plan's targets and transfers, and for the targets they link to. Equal values have equal traces with one
// salt. A trace is so short that a value cannot be found by trying: many others have the same.
func (p *Plan) Settings(salt []byte) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, t := range p.Targets {
		out[t.Name] = traces(salt, reflect.ValueOf(*t))
	}
	for _, t := range p.Transfers {
		out["transfer "+t.Name] = traces(salt, reflect.ValueOf(*t))
	}
	return out
}

// places where something is written are no settings.
var unsettled = []string{"Name", "Asked", "Range", "Ranges"}

func traces(salt []byte, v reflect.Value) map[string]string {
	out := map[string]string{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if slices.Contains(unsettled, field.Name) || v.Field(i).IsZero() {
			continue
		}
		name := strings.ToLower(field.Name)
		switch value := v.Field(i).Interface().(type) {
		case map[string]*string: // args, labels, hosts: each by its name
			for key, v := range value {
				out[name+"."+key] = trace(salt, name+"."+key, v)
			}
		case []config.Cache:
			for n, c := range value {
				key := fmt.Sprintf("%s[%d]", name, n)
				out[key] = trace(salt, key, []any{c.Type, c.Attrs})
			}
		case []config.Output:
			for n, o := range value {
				key := fmt.Sprintf("%s[%d]", name, n)
				out[key] = trace(salt, key, []any{o.Type, o.Attrs})
			}
		default:
			out[name] = trace(salt, name, value)
		}
	}
	return out
}

// traceDigits is the length of a trace in hexadecimal digits: one in a million other values has the same.
const traceDigits = 5

func trace(salt []byte, name string, value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		raw = fmt.Appendf(nil, "%v", value)
	}
	mac := hmac.New(sha256.New, salt)
	_, _ = mac.Write([]byte(name + "\x00")) // a hash takes everything
	_, _ = mac.Write(raw)
	return hex.EncodeToString(mac.Sum(nil))[:traceDigits]
}

func encode(doc planJSON) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(doc)
	return buf.Bytes(), err
}
