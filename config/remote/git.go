package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// fetchGit takes the commit alone, and of its files those that are asked for where the server can send single ones.
func (l *Location) fetchGit(ctx context.Context, names []string, optional bool, opt Options) ([]File, error) {
	r, err := l.repository(opt)
	if err != nil {
		return nil, err
	}
	defer r.close()
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
	return r.read(ctx, names, optional, opt.NoLinks)
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

// read returns files of the fetched commit. Symbolic links are followed inside the repository (git-cat-file(1), --follow-symlinks), or files behind them are missing.
func (r *repository) read(ctx context.Context, names []string, optional, noLinks bool) ([]File, error) {
	var files []File
	for _, name := range names {
		inside := strings.TrimPrefix(path.Join("/", r.location.git.SubDir, path.Clean("/"+name)), "/")
		if strings.ContainsAny(inside, "\n\r") {
			return nil, fmt.Errorf("%q is no name of a file", name)
		}
		data, err := r.blob(ctx, inside, noLinks)
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
func (r *repository) blob(ctx context.Context, inside string, noLinks bool) ([]byte, error) {
	if noLinks {
		out, err := r.git(ctx, nil, "ls-tree", "FETCH_HEAD", "--", inside)
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(out, []byte("100")) { // of a regular file, executable or not
			return nil, ErrMissing
		}
	}
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
