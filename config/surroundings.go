package config

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"golang.org/x/crypto/ssh"
)

// CheckFiles checks that what the targets need of this machine is there: the files of secrets, keys and agents for ssh, and places for outputs.
// Paths are relative to dir. Nothing is read but private keys, to see whether they are usable.
func (r *Resolution) CheckFiles(dir string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, t := range r.Targets {
		for _, check := range []struct {
			attr string
			err  error
		}{{"secret", t.checkSecretFiles(dir, r.lookupEnv)}, {"ssh", t.checkAgentFiles(dir, r.lookupEnv)}, {"output", t.checkDestinations(dir)}} {
			if check.err != nil {
				diags = append(diags, errorf(t.at(check.attr), "Missing file", "%q of target %q: %v.", check.attr, t.Name, check.err))
			}
		}
	}
	return sorted(diags)
}

// checkSecretFiles looks for each secret as BuildKit does (session/secrets/secretsprovider): with neither source given, the environment
// variable and then the file of its id.
func (t *Target) checkSecretFiles(dir string, lookupEnv func(string) (string, bool)) error {
	for _, s := range t.Secrets {
		path := s.Src
		if s.Env == "" && path == "" {
			if _, ok := lookupEnv(s.ID); ok {
				continue
			}
			path = s.ID
		}
		if path == "" {
			continue
		}
		st, err := os.Stat(under(dir, path))
		if err != nil {
			return fmt.Errorf("secret %q: there is no file %s (%w); give it src=FILE or env=NAME", s.ID, path, unwrapPath(err))
		}
		if st.Size() > secretsprovider.MaxSecretSize {
			return fmt.Errorf("secret %q: %s has %d bytes, more than %d", s.ID, path, st.Size(), secretsprovider.MaxSecretSize)
		}
	}
	return nil
}

// checkAgentFiles looks for the agent's socket or the keys of each ssh entry; a git context over ssh needs the default agent.
func (t *Target) checkAgentFiles(dir string, lookupEnv func(string) (string, bool)) error {
	agents := t.SSH
	if len(agents) == 0 && t.Context != nil && isGitOverSSH(*t.Context) {
		agents = []SSH{{ID: "default"}}
	}
	for _, a := range agents {
		paths := a.Paths
		if len(paths) == 0 || len(paths) == 1 && paths[0] == "" {
			socket, _ := lookupEnv("SSH_AUTH_SOCK")
			if socket == "" {
				return fmt.Errorf("agent %q: SSH_AUTH_SOCK is not set; start an agent, or name a key or a socket", a.ID)
			}
			paths = []string{socket}
		}
		for _, p := range paths {
			if err := checkKey(under(dir, p)); err != nil {
				return fmt.Errorf("agent %q: %s: %w", a.ID, p, err)
			}
		}
	}
	return nil
}

// keyLimit is the largest private key that is looked at, in bytes (BuildKit: session/sshforward/sshprovider).
const keyLimit = 100 << 10

func checkKey(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return unwrapPath(err)
	}
	if st.Mode()&os.ModeSocket != 0 {
		return nil
	}
	if st.IsDir() || st.Size() > keyLimit {
		return fmt.Errorf("it is neither a socket nor a private key")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return unwrapPath(err)
	}
	if _, err := ssh.ParseRawPrivateKey(raw); err != nil {
		return fmt.Errorf("it is no private key that can be used without a passphrase")
	}
	return nil
}

// checkDestinations refuses to write a directory over a file, and the other way round.
func (t *Target) checkDestinations(dir string) error {
	for _, o := range t.Outputs {
		dest := o.Attrs["dest"]
		if dest == "" || dest == "-" {
			continue
		}
		st, err := os.Stat(under(dir, dest))
		if err != nil {
			continue // made when it is written
		}
		wantDir := o.Type == "local" || (o.Type == "oci" || o.Type == "docker") && !isArchive(o.Attrs)
		switch {
		case wantDir && !st.IsDir():
			return fmt.Errorf("%s is a file, and an output of type %s writes a directory", dest, o.Type)
		case !wantDir && st.IsDir() && (o.Type == "tar" || o.Type == "oci" || o.Type == "docker"):
			return fmt.Errorf("%s is a directory, and an output of type %s writes a file", dest, o.Type)
		}
	}
	return nil
}

// under makes a path relative to dir absolute.
func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
