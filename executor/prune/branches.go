package prune

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/function"
)

// gitTime bounds how long a remote is waited for.
const gitTime = 2 * time.Minute

// branchNames are the branches there are, in the forms that names of caches have them in.
type branchNames struct {
	exact map[string]bool
	// plain are branches with every character that a tag cannot have replaced, in lower case, as other tools write them.
	plain map[string]bool
}

func newBranchNames(branches []string) *branchNames {
	n := &branchNames{exact: map[string]bool{}, plain: map[string]bool{}}
	for _, b := range branches {
		n.exact[b], n.exact[function.SanitizeRef(b)] = true, true
		n.plain[plain(b)] = true
	}
	return n
}

// has tells whether a part of a name stands for a branch that there is.
func (n *branchNames) has(part string) bool { return n.exact[part] || n.plain[plain(part)] }

func plain(branch string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, branch))
}

// branchOf is the part of a name that stands for a branch: what the * of the first of the policy's patterns that it fits stands for.
func branchOf(p *config.Retention, name string) string {
	for _, pattern := range p.Names {
		before, after, ok := strings.Cut(pattern, "*")
		if ok && len(name) > len(before)+len(after) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after) {
			return name[len(before) : len(name)-len(after)]
		}
	}
	return ""
}

// kept tells whether one of the patterns fits a name or the branch it stands for, as it is written or as a tag has it.
func kept(patterns []string, name, branch string) bool {
	for _, p := range patterns {
		for _, n := range []string{name, branch} {
			if ok, _ := path.Match(p, n); n != "" && (ok || function.SanitizeRef(p) == n) {
				return true
			}
		}
	}
	return false
}

// GitBranches lists the branches of the repository that dir lies in: those of all its remotes, which are asked, and those that are only here. It asks the
// remotes because a checkout, above all one of a CI system, need not have all branches, and keeps those that are gone.
func GitBranches(ctx context.Context, dir string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	local, err := git(ctx, dir, "for-each-ref", "--format=%(refname)", "refs/heads")
	if err != nil {
		return nil, err
	}
	branches := headsIn(local)
	remotes, err := git(ctx, dir, "remote")
	if err != nil {
		return nil, err
	}
	for remote := range strings.FieldsSeq(remotes) {
		heads, err := git(ctx, dir, "ls-remote", "--heads", remote)
		if err != nil {
			return nil, err
		}
		branches = append(branches, headsIn(heads)...)
	}
	return branches, nil
}

// headsIn takes the branches out of lines that end in a ref.
func headsIn(lines string) []string {
	var out []string
	for line := range strings.Lines(lines) {
		if _, branch, ok := strings.Cut(strings.TrimSpace(line), "refs/heads/"); ok {
			out = append(out, branch)
		}
	}
	return out
}

// git runs git in dir. It asks nobody for a password.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		if said := strings.TrimSpace(stderr.String()); said != "" {
			err = errors.New(said)
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return stdout.String(), nil
}
