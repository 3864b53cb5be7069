package compose

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/go-units"
	"github.com/zclconf/go-cty/cty"
)

// extension is where a build section holds what Compose has no words for.
const extension = "x-bake"

// convert makes a target of every service with a build section.
func convert(project *types.Project) (*Project, error) {
	out := &Project{}
	if len(project.Services) == 0 {
		return out, nil
	}
	group := Group{Name: "default"}
	for _, key := range slices.Sorted(maps.Keys(project.Services)) {
		service := project.Services[key]
		if service.Build == nil {
			continue
		}
		target, err := convertService(project, service)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", service.Name, err)
		}
		group.Targets = append(group.Targets, target.Name)
		out.Targets = append(out.Targets, target)
	}
	out.Groups = append(out.Groups, group)
	return out, nil
}

func convertService(project *types.Project, service types.ServiceConfig) (Target, error) {
	target := Target{Name: targetName(service.Name), Service: service.Name, Attrs: map[string]cty.Value{}}
	if !regexp.MustCompile(`^[a-zA-Z0-9_-]+$`).MatchString(target.Name) {
		return target, fmt.Errorf("only letters, digits, \"_\", \"-\" and \".\" are allowed in the name of a service that is built")
	}
	a := attributes(target.Attrs)
	build := service.Build
	a.text("context", build.Context)
	a.text("dockerfile", build.Dockerfile)
	a.text("dockerfile-inline", build.DockerfileInline)
	a.text("target", build.Target)
	a.text("network", build.Network)
	if build.ShmSize > 0 {
		a.text("shm-size", units.BytesSize(float64(build.ShmSize)))
	}
	a.truth("no-cache", build.NoCache)
	a.truth("pull", build.Pull)
	a.table("contexts", links(build.AdditionalContexts))
	a.table("labels", build.Labels)
	a.table("args", arguments(project, service))
	a.table("extra-hosts", hosts(build.ExtraHosts))
	a.list("tags", build.Tags)
	a.list("platforms", build.Platforms)
	a.list("cache-from", build.CacheFrom)
	a.list("cache-to", build.CacheTo)
	a.list("attest", attestations(build))
	a.list("ssh", keys(build.SSH))
	limits, err := ulimits(build.Ulimits)
	if err != nil {
		return target, err
	}
	a.list("ulimits", limits)
	secrets, err := convertSecrets(project, build.Secrets)
	if err != nil {
		return target, err
	}
	a.values("secret", secrets)
	if err := extend(a, build.Extensions[extension]); err != nil {
		return target, fmt.Errorf("%s: %w", extension, err)
	}
	if _, tagged := a["tags"]; !tagged && service.Image != "" {
		a.list("tags", []string{service.Image})
	}
	return target, nil
}

// targetName is a service's name as a target's, which has no dots.
func targetName(service string) string {
	return strings.ReplaceAll(service, ".", "_")
}

// arguments are the build arguments. One without a value takes that of the service's environment or of the project's, and is
// left to the Dockerfile where neither has it.
func arguments(project *types.Project, service types.ServiceConfig) map[string]string {
	args := map[string]string{}
	for name, value := range service.Build.Args {
		if value == nil {
			value = service.Environment[name]
		}
		if value != nil {
			args[name] = *value
			continue
		}
		if set, ok := project.Environment[name]; ok {
			args[name] = set
		}
	}
	return args
}

// links turns references to services into references to targets.
func links(contexts map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range contexts {
		for _, scheme := range []string{"service:", "target:"} {
			if service, ok := strings.CutPrefix(value, scheme); ok {
				value = "target:" + targetName(service)
				break
			}
		}
		out[name] = value
	}
	return out
}

func hosts(in types.HostsList) map[string]string {
	out := map[string]string{}
	for name, addresses := range in {
		out[name] = strings.Join(addresses, ",")
	}
	return out
}

func keys(in types.SSHConfig) []string {
	var out []string
	for _, key := range in {
		if key.Path != "" {
			out = append(out, key.ID+"="+key.Path)
			continue
		}
		out = append(out, key.ID)
	}
	slices.Sort(out)
	return out
}

func ulimits(in map[string]*types.UlimitsConfig) ([]string, error) {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		limit, err := units.ParseUlimit(fmt.Sprintf("%s=%d:%d", name, in[name].Soft, in[name].Hard))
		if err != nil {
			return nil, err
		}
		out = append(out, limit.String())
	}
	return out, nil
}

func attestations(build *types.BuildConfig) []string {
	var out []string
	for _, attest := range []struct{ kind, value string }{{"sbom", build.SBOM}, {"provenance", build.Provenance}} {
		if attest.value == "" {
			continue
		}
		if on, err := strconv.ParseBool(attest.value); err == nil {
			out = append(out, fmt.Sprintf("type=%s,disabled=%t", attest.kind, !on))
			continue
		}
		out = append(out, fmt.Sprintf("type=%s,%s", attest.kind, attest.value))
	}
	return out
}

// convertSecrets gives each secret of a build its source, from the project's table of secrets.
func convertSecrets(project *types.Project, in []types.ServiceSecretConfig) ([]cty.Value, error) {
	var out []cty.Value
	for _, use := range in {
		declared := project.Secrets[use.Source]
		if declared.External {
			return nil, fmt.Errorf("secret %s is external, and a build cannot have it; give it a file or an environment variable", use.Source)
		}
		secret := map[string]cty.Value{}
		for name, value := range map[string]string{"id": use.Source, "src": declared.File, "env": declared.Environment} {
			if value != "" {
				secret[name] = cty.StringVal(value)
			}
		}
		out = append(out, cty.ObjectVal(secret))
	}
	return out, nil
}
