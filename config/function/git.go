package function

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

const (
	// maxGitFile bounds .git, HEAD and loose refs, which hold one line each.
	maxGitFile = 64 << 10
	// maxPackedRefs bounds packed-refs, which holds a line for each ref.
	maxPackedRefs = 64 << 20
	// gitTime bounds the git command, which is asked only where refs are stored in a form that is not read here.
	gitTime = 10 * time.Second
)

// repository holds the functions over the git repository around dir. They read its files: no git is needed.
// The layout is that of gitrepository-layout(5).
func repository(dir string) []entry {
	return []entry{
		{name: "git_branch", fn: gitFunc("Returns the branch that is checked out.", dir, (*gitHead).branch)},
		{name: "git_sha", fn: gitFunc("Returns the commit that is checked out.", dir, (*gitHead).commit)},
	}
}

func gitFunc(about, dir string, of func(*gitHead) (string, error)) function.Function {
	return function.New(&function.Spec{
		Description: about,
		Type:        function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			head, err := findGit(dir)
			if err != nil {
				return cty.NilVal, err
			}
			value, err := of(head)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(value), nil
		},
	})
}

// gitHead is what a work tree has checked out.
type gitHead struct {
	// dir is a directory in the work tree; gitDir its own git directory, commonDir the one shared with other work trees.
	dir, gitDir, commonDir string
	// head is the content of HEAD: "ref: refs/heads/…" or a commit.
	head string
}

// findGit looks for the repository in dir and its parents.
func findGit(dir string) (*gitHead, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find git repository: %w", err)
	}
	for at := abs; ; at = filepath.Dir(at) {
		info, err := os.Stat(filepath.Join(at, ".git"))
		if err == nil {
			return openGit(abs, filepath.Join(at, ".git"), info.IsDir())
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("find git repository: %w", err)
		}
		if at == filepath.Dir(at) {
			return nil, errors.New("the configuration is not inside a git repository")
		}
	}
}

// openGit reads HEAD. A .git that is a file, in linked work trees and submodules, names the directory.
func openGit(dir, gitDir string, isDir bool) (*gitHead, error) {
	if !isDir {
		line, err := gitLine(gitDir)
		if err != nil {
			return nil, err
		}
		target, ok := strings.CutPrefix(line, "gitdir: ")
		if !ok {
			return nil, fmt.Errorf("read git repository: %s does not name a git directory", gitDir)
		}
		gitDir = relativeTo(filepath.Dir(gitDir), target)
	}
	head, err := gitLine(filepath.Join(gitDir, "HEAD"))
	if err != nil {
		return nil, err
	}
	h := &gitHead{dir: dir, gitDir: gitDir, commonDir: gitDir, head: head}
	if common, err := gitLine(filepath.Join(gitDir, "commondir")); err == nil {
		h.commonDir = relativeTo(gitDir, common)
	}
	return h, nil
}

// branch is the name of the branch, without refs/heads/.
func (h *gitHead) branch() (string, error) {
	if h.foreign() {
		return h.ask("symbolic-ref", "--short", "HEAD")
	}
	ref, ok := strings.CutPrefix(h.head, "ref: ")
	if !ok {
		return "", errors.New("no branch is checked out (HEAD is detached); try(git_branch(), …) gives another value")
	}
	return strings.TrimPrefix(ref, "refs/heads/"), nil
}

// commit is the full hash of the commit.
func (h *gitHead) commit() (string, error) {
	if h.foreign() {
		return h.ask("rev-parse", "--verify", "HEAD")
	}
	value := h.head
	for range 5 { // git's own limit on refs that name refs
		ref, symbolic := strings.CutPrefix(value, "ref: ")
		if !symbolic {
			return checkHash(value)
		}
		next, err := h.resolve(ref)
		if err != nil {
			return "", err
		}
		value = next
	}
	return "", errors.New("read git repository: refs name each other in a circle")
}

// foreign reports whether refs are kept in reftable form; HEAD then holds a name that no branch can have.
func (h *gitHead) foreign() bool {
	return h.head == "ref: refs/heads/.invalid"
}

// resolve reads a ref: from its own file, or from the packed ones.
func (h *gitHead) resolve(ref string) (string, error) {
	if !strings.HasPrefix(ref, "refs/") || !filepath.IsLocal(ref) {
		return "", fmt.Errorf("read git repository: %q is not a ref", ref)
	}
	for _, dir := range []string{h.gitDir, h.commonDir} {
		line, err := gitLine(filepath.Join(dir, filepath.FromSlash(ref)))
		if err == nil {
			return line, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return h.packed(ref)
}

// packed finds a ref in packed-refs: "<hash> <ref>" lines, among comments (#) and peeled tags (^).
func (h *gitHead) packed(ref string) (string, error) {
	f, err := os.Open(filepath.Join(h.commonDir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", noCommit(ref)
	}
	if err != nil {
		return "", fmt.Errorf("read git repository: %w", err)
	}
	defer f.Close() //nolint:errcheck // read side
	lines := bufio.NewScanner(io.LimitReader(f, maxPackedRefs))
	for lines.Scan() {
		if hash, name, ok := strings.Cut(lines.Text(), " "); ok && name == ref && !strings.HasPrefix(hash, "#") {
			return hash, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("read git repository: %w", err)
	}
	return "", noCommit(ref)
}

func noCommit(ref string) error {
	return fmt.Errorf("%s has no commit yet", strings.TrimPrefix(ref, "refs/heads/"))
}

// ask runs git, without its configuration of prompts and pagers.
func (h *gitHead) ask(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), gitTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// checkHash accepts a SHA-1 or SHA-256 in hexadecimal.
func checkHash(hash string) (string, error) {
	digits := strings.Trim(hash, "0123456789abcdef")
	if digits != "" || len(hash) != 40 && len(hash) != 64 {
		return "", fmt.Errorf("read git repository: %q is not a commit", hash)
	}
	return hash, nil
}

// gitLine reads a file of one line.
func gitLine(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("read git repository: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxGitFile {
		return "", fmt.Errorf("read git repository: %s is not a small file: %w", name, fs.ErrNotExist)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read git repository: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// relativeTo is target as seen from dir.
func relativeTo(dir, target string) string {
	if filepath.IsAbs(target) {
		return target
	}
	return filepath.Join(dir, filepath.FromSlash(target))
}
