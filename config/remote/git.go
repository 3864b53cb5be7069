package remote

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// watchEvery is how often the size of a repository is looked at while it grows.
	watchEvery = 100 * time.Millisecond
	// killAfter is how long git's pipes may stay open when it has been killed.
	killAfter = 2 * time.Second
	// errorLimit bounds what is kept of git's messages.
	errorLimit = 4 << 10
)

// repository is a shallow copy without a work tree, so that nothing in it is ever run: no hook, no filter, no submodule.
type repository struct {
	location *Location
	dir      string
	env      []string
	limit    int64
}

// fetchGit takes the commit alone, and of its files those that are asked for where the server can send single ones.
func (l *Location) fetchGit(ctx context.Context, names []string, optional bool, opt Options) ([]File, error) {
	dir, err := os.MkdirTemp("", "cachectl-git-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the repository: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // best effort
	r := &repository{location: l, dir: dir, env: l.environment(opt.LookupEnv), limit: opt.MaxRepository}
	if _, err := r.git(ctx, nil, "init", "--quiet", "--bare", "."); err != nil {
		return nil, err
	}
	if _, err := r.git(ctx, nil, "remote", "add", "origin", l.git.Remote); err != nil {
		return nil, err
	}
	ref := l.git.Ref
	switch {
	case l.git.FetchByCommit && l.git.Checksum != "":
		ref = l.git.Checksum
	case ref == "":
		ref = "HEAD"
	}
	if _, err := r.git(ctx, nil, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--filter=blob:none", "--", "origin", ref); err != nil {
		return nil, err
	}
	if err := r.checksum(ctx); err != nil {
		return nil, err
	}
	return r.read(ctx, names, optional)
}

// checksum holds the commit against the one that the location names.
func (r *repository) checksum(ctx context.Context) error {
	want := r.location.git.Checksum
	if want == "" {
		return nil
	}
	got, err := r.git(ctx, nil, "rev-parse", "--verify", "FETCH_HEAD^{commit}")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(strings.TrimSpace(string(got)), strings.ToLower(want)) {
		return fmt.Errorf("the commit there is %s, and %s is asked for", bytes.TrimSpace(got), want)
	}
	return nil
}

// read returns files of the fetched commit. Symbolic links are followed inside the repository (git-cat-file(1), --follow-symlinks).
func (r *repository) read(ctx context.Context, names []string, optional bool) ([]File, error) {
	var files []File
	for _, name := range names {
		inside := strings.TrimPrefix(path.Join("/", r.location.git.SubDir, path.Clean("/"+name)), "/")
		if strings.ContainsAny(inside, "\n\r") {
			return nil, fmt.Errorf("%q is no name of a file", name)
		}
		data, err := r.blob(ctx, inside)
		if errors.Is(err, ErrMissing) && optional {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", inside, err)
		}
		files = append(files, File{Name: name, Data: data})
	}
	return files, nil
}

// blob reads one file. Its size is asked for first, and what is read is bounded besides.
func (r *repository) blob(ctx context.Context, inside string) ([]byte, error) {
	out, err := r.git(ctx, strings.NewReader("FETCH_HEAD:"+inside+"\n"), "cat-file", "--batch", "--follow-symlinks")
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(bytes.NewReader(out))
	header, err := in.ReadString('\n')
	fields := strings.Fields(header)
	if err != nil || len(fields) != 3 || fields[1] != "blob" {
		return nil, ErrMissing // also a directory, or a link that leads outside
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil || size > MaxFile {
		return nil, errTooLarge
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, fmt.Errorf("git ended early: %w", err)
	}
	return data, nil
}

// git runs git in the repository and returns what it prints, at most a definition and its header. It is ended when ctx is, or when the repository has
// outgrown its limit.
func (r *repository) git(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := exec.CommandContext(ctx, "git", append([]string{
		"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
		"-c", "protocol.version=2", "-c", "transfer.bundleURI=false", "-c", "fetch.writeCommitGraph=false",
	}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, r.env, stdin
	out, said := &limited{limit: MaxFile + 1<<10}, &limited{limit: errorLimit}
	cmd.Stdout, cmd.Stderr = out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // git has helpers, which end with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killAfter
	if err := cmd.Start(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, fmt.Errorf("run git: %w", err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(ctx, stop)
	}()
	err := cmd.Wait()
	cause := context.Cause(ctx)
	stop(nil)
	<-watched
	switch {
	case cause != nil:
		return nil, cause
	case err != nil:
		return nil, fmt.Errorf("git: %s", r.message(said.String(), err))
	}
	return out.Bytes(), nil
}

// watch ends git when the repository gets too large.
func (r *repository) watch(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var total int64
		_ = filepath.WalkDir(r.dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // files come and go
			}
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				total += info.Size()
			}
			return nil
		})
		if total > r.limit {
			stop(fmt.Errorf("the repository is larger than %d bytes", r.limit))
			return
		}
	}
}

// message is what git says, on one line, without the password of its address.
func (r *repository) message(said string, err error) string {
	said = strings.Join(strings.Fields(said), " ")
	if said == "" {
		said = err.Error()
	}
	if p := r.location.Password(); p != "" {
		said = strings.ReplaceAll(said, p, "***")
	}
	return strings.TrimPrefix(said, "fatal: ")
}

// environment lets git speak the protocol of the address alone, so that no server can lead it to another, and ask nobody anything. Credentials
// come from the user's own configuration of git, or from Bake's variables.
func (l *Location) environment(lookup func(string) (string, bool)) []string {
	scheme := "ssh"
	if u, err := url.Parse(l.git.Remote); err == nil && u.Scheme != "" {
		scheme = u.Scheme
	}
	env := append(without(os.Environ(), "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
		"GIT_ALLOW_PROTOCOL="+scheme, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "SSH_ASKPASS=true", "LC_ALL=C")
	if os.Getenv("GIT_SSH_COMMAND") == "" {
		env = append(env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes -o ConnectTimeout=30")
	}
	if header := authorization(lookup); header != "" && scheme == "https" {
		host, _, _ := strings.Cut(strings.TrimPrefix(l.git.Remote, "https://"), "/")
		env = append(env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.https://"+host+"/.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: "+header)
	}
	return env
}

// authorization is the header that Bake's variables ask for (BuildKit, GIT_AUTH_TOKEN and GIT_AUTH_HEADER).
func authorization(lookup func(string) (string, bool)) string {
	if header, ok := lookup("BUILDX_BAKE_GIT_AUTH_HEADER"); ok && header != "" {
		return header
	}
	if token, ok := lookup("BUILDX_BAKE_GIT_AUTH_TOKEN"); ok && token != "" {
		return "basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))
	}
	return ""
}

// without drops variables, which would point git to another repository.
func without(env []string, names ...string) []string {
	var out []string
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); !slices.Contains(names, name) {
			out = append(out, e)
		}
	}
	return out
}

// limited keeps the first bytes that are written to it and drops the rest.
type limited struct {
	bytes.Buffer
	limit int
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.limit - l.Len(); room > 0 {
		_, _ = l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
