package build

import (
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/docker/go-units"
)

// frontendAttrs are the options of the dockerfile frontend for a target, without those of its inputs.
// The names are those of BuildKit's frontend/dockerui/config.go.
func (s *Solver) frontendAttrs(t *config.Target) (map[string]string, error) {
	attrs := map[string]string{}
	for k, v := range s.proxyArgs() {
		attrs["build-arg:"+k] = v
	}
	for k, v := range t.Args {
		if v != nil {
			attrs["build-arg:"+k] = *v
		}
	}
	for k, v := range t.Labels {
		if v != nil {
			attrs["label:"+k] = *v
		}
	}
	if t.Stage != nil && *t.Stage != "" {
		attrs["target"] = *t.Stage
	}
	if len(t.Platforms) > 0 {
		attrs["platform"] = strings.Join(t.Platforms, ",")
	}
	if len(t.NoCacheFilter) > 0 {
		attrs["no-cache"] = strings.Join(t.NoCacheFilter, ",")
	}
	if t.NoCache != nil && *t.NoCache {
		attrs["no-cache"] = ""
	}
	if t.Pull != nil && *t.Pull {
		attrs["image-resolve-mode"] = "pull"
	}
	if v, ok := attrs["build-arg:BUILDKIT_MULTI_PLATFORM"]; ok && isTrue(v) {
		attrs["multi-platform"] = "true"
	}
	for _, add := range []func(*config.Target, map[string]string) error{addNetwork, addHosts, addUlimits, addResources, addAttestations} {
		if err := add(t, attrs); err != nil {
			return nil, fmt.Errorf("target %s: %w", t.Name, err)
		}
	}
	return attrs, nil
}

// frontend names the frontend: the built-in one, or the image of a BUILDKIT_SYNTAX build argument.
func frontend(attrs map[string]string) string {
	syntax := strings.TrimSpace(attrs["build-arg:BUILDKIT_SYNTAX"])
	if syntax == "" {
		return "dockerfile.v0"
	}
	attrs["source"], _, _ = strings.Cut(syntax, " ")
	attrs["cmdline"] = syntax
	return "gateway.v0"
}

// proxyArgs are the proxy settings of the docker config as build arguments.
func (s *Solver) proxyArgs() map[string]string {
	args := map[string]string{}
	if s.opt.DockerConfig == nil {
		return args
	}
	for k, v := range s.opt.DockerConfig.ParseProxyConfig("", nil) {
		if v != nil {
			args[k] = *v
		}
	}
	return args
}

func addNetwork(t *config.Target, attrs map[string]string) error {
	if t.Network == nil {
		return nil
	}
	switch *t.Network {
	case "", "default":
	case "host", "none":
		attrs["force-network-mode"] = *t.Network
	default:
		return fmt.Errorf("network mode %q is not one of default, host, none", *t.Network)
	}
	return nil
}

func addHosts(t *config.Target, attrs map[string]string) error {
	var hosts []string
	for _, host := range sortedKeys(t.ExtraHosts) {
		if t.ExtraHosts[host] == nil {
			continue
		}
		for ip := range strings.SplitSeq(*t.ExtraHosts[host], ",") {
			ip = strings.Trim(ip, "[]")
			if net.ParseIP(ip) == nil {
				return fmt.Errorf("extra host %s: %q is not an IP address", host, ip)
			}
			hosts = append(hosts, host+"="+ip)
		}
	}
	if len(hosts) > 0 {
		attrs["add-hosts"] = strings.Join(hosts, ",")
	}
	return nil
}

func addUlimits(t *config.Target, attrs map[string]string) error {
	if t.ShmSize != nil && *t.ShmSize != "" {
		n, err := units.RAMInBytes(*t.ShmSize)
		if err != nil {
			return fmt.Errorf("shm-size %q: %w", *t.ShmSize, err)
		}
		if n > 0 {
			attrs["shm-size"] = strconv.FormatInt(n, 10)
		}
	}
	var list []string
	for _, l := range t.Ulimits {
		limit, err := units.ParseUlimit(l)
		if err != nil {
			return fmt.Errorf("ulimit %q: %w", l, err)
		}
		list = append(list, limit.String())
	}
	if len(list) > 0 {
		attrs["ulimit"] = strings.Join(list, ",")
	}
	return nil
}

func addResources(t *config.Target, attrs map[string]string) error {
	r := t.Resources
	if r == nil {
		return nil
	}
	for name, v := range map[string]*string{"memory": r.Memory, "memswap": r.MemorySwap} {
		if v == nil || *v == "" {
			continue
		}
		if *v == "-1" {
			attrs[name] = *v
			continue
		}
		n, err := units.RAMInBytes(*v)
		if err != nil {
			return fmt.Errorf("resources %s %q: %w", name, *v, err)
		}
		attrs[name] = strconv.FormatInt(n, 10)
	}
	for name, v := range map[string]*string{
		"cpushares": r.CPUShares, "cpuperiod": r.CPUPeriod, "cpuquota": r.CPUQuota, "cpusetcpus": r.CPUSetCPUs, "cpusetmems": r.CPUSetMems,
	} {
		if v != nil && *v != "" {
			attrs[name] = *v
		}
	}
	return nil
}

// addAttestations asks for attestations. Provenance is on for images unless it was decided otherwise, as docker buildx has it.
func addAttestations(t *config.Target, attrs map[string]string) error {
	decided := false
	for _, a := range t.Attest {
		decided = decided || a.Type == "provenance"
		if a.Disabled {
			continue
		}
		var list []string
		params := maps.Clone(a.Attrs)
		for _, k := range sortedKeys(params) {
			list = append(list, k+"="+params[k])
		}
		attrs["attest:"+a.Type] = strings.Join(list, ",")
	}
	if !decided && hasImage(t.Outputs) {
		attrs["attest:provenance"] = "mode=min,inline-only=true"
	}
	return nil
}

// hasImage tells whether an output is an image that can carry attestations.
func hasImage(outputs []config.Output) bool {
	for _, o := range outputs {
		switch o.Type {
		case "image", "registry", "oci":
			return true
		}
	}
	return false
}

func isTrue(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}
