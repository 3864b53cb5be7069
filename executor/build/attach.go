package build

import (
	"fmt"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
)

// auth serves registry credentials from the docker config.
func (s *Solver) auth() session.Attachable {
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: authprovider.LoadAuthConfig(s.opt.DockerConfig),
		TLSConfigs:         s.opt.TLS,
	})
}

// credentials serves the secrets and SSH agents of targets; the first target to declare an id wins.
func (s *Solver) credentials(targets []*config.Target) ([]session.Attachable, error) {
	var out []session.Attachable
	if sources := s.secrets(targets); len(sources) > 0 {
		store, err := secretsprovider.NewStore(sources)
		if err != nil {
			return nil, fmt.Errorf("read secrets: %w", err)
		}
		out = append(out, secretsprovider.NewSecretProvider(store))
	}
	if agents := s.agents(targets); len(agents) > 0 {
		provider, err := sshprovider.NewSSHAgentProvider(agents)
		if err != nil {
			return nil, fmt.Errorf("open SSH agent: %w", err)
		}
		out = append(out, provider)
	}
	return out, nil
}

func (s *Solver) secrets(targets []*config.Target) []secretsprovider.Source {
	var out []secretsprovider.Source
	seen := map[string]bool{}
	for _, t := range targets {
		for _, sec := range t.Secrets {
			if seen[sec.ID] {
				continue
			}
			seen[sec.ID] = true
			src := secretsprovider.Source{ID: sec.ID, Env: sec.Env}
			if sec.Src != "" {
				src.FilePath = absolute(s.opt.Dir, sec.Src)
			}
			if sec.Type == "env" && src.Env == "" {
				src.Env, src.FilePath = sec.Src, ""
			}
			out = append(out, src)
		}
	}
	return out
}

func (s *Solver) agents(targets []*config.Target) []sshprovider.AgentConfig {
	var out []sshprovider.AgentConfig
	seen := map[string]bool{}
	add := func(id string, paths []string) {
		if !seen[id] {
			seen[id] = true
			out = append(out, sshprovider.AgentConfig{ID: id, Paths: paths})
		}
	}
	for _, t := range targets {
		for _, a := range t.SSH {
			add(a.ID, a.Paths)
		}
		if len(t.SSH) == 0 && t.Context != nil && strings.HasPrefix(*t.Context, "git@") {
			add("default", nil)
		}
	}
	return out
}
