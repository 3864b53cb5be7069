package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits of what is fetched.
const (
	// MaxFile is the largest definition, in bytes, as for files of this machine (Bake: maxBakeDefinitionSize).
	MaxFile = 2 << 20
	// MaxRepository is how large a repository may get on disk while it is fetched, in bytes.
	MaxRepository = 512 << 20
	// MaxTime is how long one fetch may take.
	MaxTime = 2 * time.Minute
	// maxRedirects is how often an HTTP server may send the client elsewhere.
	maxRedirects = 5
)

// ErrMissing says that a file is not there.
var ErrMissing = errors.New("there is no such file")

// File is one fetched file.
type File struct {
	// Name is the path inside the repository, or the last part of the address.
	Name string
	Data []byte
}

// Options are the surroundings of a fetch.
type Options struct {
	// Authorization is the Authorization header that a repository behind https is asked with, "" for none. It is a secret.
	Authorization string
	// NoLinks lets files of a repository that are symbolic links, or lie behind one, be missing. Else links are followed inside the repository.
	NoLinks bool
	// MaxRepository and MaxTime take the place of the package's where they are not 0.
	MaxRepository int64
	MaxTime       time.Duration
}

// Fetch returns the named files, in their order. Of a repository, names are paths below its directory, and files that are missing are left out when
// optional is set, else they are an error that wraps ErrMissing. A location that is a file by itself has no names.
func (l *Location) Fetch(ctx context.Context, names []string, optional bool, opt Options) ([]File, error) {
	ctx, cancel := opt.limit(ctx)
	defer cancel()
	if l.git != nil {
		return l.fetchGit(ctx, names, optional, opt)
	}
	f, err := l.fetchWeb(ctx)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	return []File{f}, nil
}

// limit fills in what is not set and bounds ctx.
func (o *Options) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.MaxRepository == 0 {
		o.MaxRepository = MaxRepository
	}
	if o.MaxTime == 0 {
		o.MaxTime = MaxTime
	}
	return context.WithTimeoutCause(ctx, o.MaxTime, fmt.Errorf("it took longer than %s", o.MaxTime))
}
