package config

import (
	"net"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// readOwn evaluates the blocks that Bake does not have.
func (c *Config) readOwn(blocks []*block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range blocks {
		kind := schema.Lookup(b.kind)
		switch b.kind {
		case "transfer", "builder", "registry", "retention":
		default:
			continue
		}
		diags = append(diags, b.unknownNames(kind, nestedOf(b.kind)...)...)
		attrs, d := c.attributesOf(b, kind, nil)
		diags = append(diags, d...)
		diags = append(diags, c.addCacheBlocks(b, attrs, nil)...)
		diags = append(diags, c.declareOwn(b, attrs)...)
	}
	return diags
}

func nestedOf(kind string) []string {
	if kind == "transfer" {
		return []string{"cache-from", "cache-to", schema.Dynamic.Name}
	}
	return nil
}

func (c *Config) declareOwn(b *block, attrs attributes) hcl.Diagnostics {
	switch b.kind {
	case "transfer":
		if have := c.transfers[b.label]; have != nil {
			return duplicate(b, have.Range)
		}
		c.transfers[b.label] = &Transfer{
			Name: b.label, Description: attrs.text("description"), CacheFrom: caches(attrs["cache-from"]), CacheTo: caches(attrs["cache-to"]), Range: b.def,
		}
	case "builder":
		if have := c.builders[b.label]; have != nil {
			return duplicate(b, have.Range)
		}
		if attrs["endpoint"] == nil {
			return hcl.Diagnostics{errorf(&b.def, "Missing attribute", "Builder %q needs an endpoint, for instance unix:///run/buildkit/buildkitd.sock.", b.label)}
		}
		c.builders[b.label] = &Builder{
			Name: b.label, Endpoint: attrs.text("endpoint"), CACert: c.relative(attrs.text("cacert")), Cert: c.relative(attrs.text("cert")),
			Key: c.relative(attrs.text("key")), ServerName: attrs.text("servername"), Default: attrs.truth("default"), Range: b.def,
		}
	case "registry":
		if have := c.registries[b.label]; have != nil {
			return duplicate(b, have.Range)
		}
		return c.declareRegistry(b, attrs)
	case "retention":
		if have := c.retentions[b.label]; have != nil {
			return duplicate(b, have.Range)
		}
		r, diags := newRetention(b, attrs)
		c.retentions[b.label] = r
		return diags
	}
	return nil
}

func (c *Config) declareRegistry(b *block, attrs attributes) hcl.Diagnostics {
	r := &Registry{
		Host: b.label, HTTP: attrs.truth("http"), Insecure: attrs.truth("insecure"), CA: c.relative(attrs.text("ca")),
		Embedded: attrs.truth("embedded"), Dir: c.relative(attrs.text("dir")), Range: b.def,
	}
	if v := attrs["mirrors"]; v != nil {
		r.Mirrors = v.list
	}
	if strings.Contains(r.Host, "/") || r.Host == "" {
		return hcl.Diagnostics{errorf(&b.def, "Invalid registry host", "%q is not a host or host:port as it stands at the start of a reference.", r.Host)}
	}
	for name, set := range map[string]func(float64){
		"concurrency": func(f float64) { r.Concurrency = int(f) }, "rate": func(f float64) { r.Rate = f },
	} {
		v := attrs[name]
		if v == nil {
			continue
		}
		f, err := strconv.ParseFloat(*v.text, 64)
		if err != nil || f < 0 {
			return hcl.Diagnostics{errorf(&v.rng, "Unsuitable value", "%q must be a number that is not negative.", name)}
		}
		set(f)
	}
	if r.Embedded && !loopback(r.Host) {
		return hcl.Diagnostics{errorf(&b.def, "Registry cannot be embedded", "%q is not an address of this machine. An embedded registry is served on loopback with a port, for instance localhost:5050.", r.Host)}
	}
	c.registries[b.label] = r
	return nil
}

// loopback tells whether host:port is on this machine only.
func loopback(hostport string) bool {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || port == "" {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func duplicate(b *block, first hcl.Range) hcl.Diagnostics {
	return hcl.Diagnostics{errorf(&b.def, "Duplicate block", "There is a %s %q at %s:%d already.", b.kind, b.label, first.Filename, first.Start.Line)}
}
