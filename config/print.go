package config

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/schema"
)

// JSON is the resolved configuration in the form of `docker buildx bake --print`, with transfers added where there are some.
func (r *Resolution) JSON() ([]byte, error) {
	groups := map[string]any{}
	for _, g := range r.Groups {
		m := map[string]any{"targets": g.Targets}
		if g.Description != "" {
			m["description"] = g.Description
		}
		groups[g.Name] = m
	}
	targets := map[string]any{}
	for _, t := range r.Targets {
		targets[t.Name] = printed(r.values[t.Name])
	}
	doc := map[string]any{"group": groups, "target": targets}
	if len(r.Transfers) > 0 {
		transfers := map[string]any{}
		for _, t := range r.Transfers {
			transfers[t.Name] = map[string]any{"cache-from": printedCaches(t.CacheFrom), "cache-to": printedCaches(t.CacheTo)}
		}
		doc["transfer"] = transfers
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(doc)
	return buf.Bytes(), err
}

// escaped are the attributes in which print protects template marks, so that its output can be read again.
var escaped = map[string]bool{"args": true, "labels": true, "annotations": true, "dockerfile-inline": true, "extra-hosts": true}

func escape(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "${", "$${"), "%{", "%%{")
}

// printed leaves out attributes that hold nothing.
func printed(attrs attributes) map[string]any {
	out := map[string]any{}
	for name, v := range attrs {
		if v.empty() {
			continue
		}
		a := schema.Target.Attribute(name)
		keep := func(s string) string {
			if escaped[name] {
				return escape(s)
			}
			return s
		}
		switch a.Kind {
		case schema.String:
			out[name] = keep(*v.text)
		case schema.Bool:
			out[name] = v.truth
		case schema.Strings:
			list := []string{}
			for _, s := range v.list {
				list = append(list, keep(s))
			}
			out[name] = list
		case schema.Map:
			dict := map[string]*string{}
			for k, s := range v.dict {
				if s != nil {
					kept := keep(*s)
					s = &kept
				}
				dict[k] = s
			}
			out[name] = dict
		case schema.Resources:
			out[name] = printedResources(v.dict)
		default:
			out[name] = printedItems(a.Kind, v.items)
		}
	}
	return out
}

func printedItems(kind schema.Kind, list []item) []any {
	out := []any{}
	for _, i := range list {
		m := map[string]any{}
		for k, v := range i.attrs {
			m[k] = v
		}
		if len(i.paths) > 0 {
			m["paths"] = i.paths
		}
		if d, ok := i.attrs["disabled"]; ok && kind == schema.Attests {
			delete(m, "disabled")
			if b, err := strconv.ParseBool(d); err == nil && b {
				m["disabled"] = true
			}
		}
		if kind == schema.Policies {
			m = printedPolicy(i)
		}
		out = append(out, m)
	}
	return out
}

// printedPolicy has the names of Bake's own Go fields, as Bake prints them.
func printedPolicy(i item) map[string]any {
	m := map[string]any{"Files": []any{}, "Reset": i.attrs["reset"] == "true", "Disabled": i.attrs["disabled"] == "true", "Strict": nil, "LogLevel": nil}
	if f := i.attrs["filename"]; f != "" {
		m["Files"] = []any{map[string]any{"Filename": f, "Data": nil}}
	}
	if s, ok := i.attrs["strict"]; ok {
		m["Strict"] = s == "true"
	}
	if l, ok := i.attrs["log-level"]; ok {
		m["LogLevel"] = l
	}
	return m
}

func printedResources(dict map[string]*string) map[string]any {
	out := map[string]any{}
	for k, s := range dict {
		if s == nil {
			continue
		}
		out[k] = *s
		if k == "cpu-shares" || k == "cpu-period" || k == "cpu-quota" {
			if n, err := strconv.ParseInt(*s, 10, 64); err == nil {
				out[k] = n
			}
		}
	}
	return out
}

// printedCaches leaves out what is secret.
func printedCaches(list []Cache) []any {
	out := []any{}
	for _, c := range list {
		m := map[string]any{"type": c.Type}
		b := schema.LookupBackend(c.Type)
		for k, v := range c.Attrs {
			if b != nil {
				if a := b.Attribute(k); a != nil && a.Secret {
					continue
				}
			}
			m[k] = v
		}
		out = append(out, m)
	}
	return out
}
