package function

import (
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"time"

	"github.com/zclconf/go-cty/cty/function"
)

// Options is what functions know of the world. The zero value has the system's clock, home directory and randomness, an empty
// environment and no files.
type Options struct {
	// Now is the clock of timestamp; nil is time.Now.
	Now func() time.Time
	// Home finds the home directory for homedir; nil asks the system.
	Home func() (string, error)
	// Env looks up environment variables for env; nil means that none is set.
	Env func(name string) (string, bool)
	// Rand is where uuidv4 takes its random bytes; nil is crypto/rand.
	Rand io.Reader
	// FS holds the files that file, fileexists, filehash and glob see, rooted at Dir (os.Root's FS keeps symbolic links inside).
	// Nil leaves these and the git functions out: a definition that was fetched from somewhere has no business here.
	FS fs.FS
	// Dir is the directory of FS on the machine. git_branch and git_sha look for the repository from there upwards.
	Dir string
}

// Library returns all functions by name. The map is the caller's.
func Library(opts Options) map[string]function.Function {
	opts = opts.withDefaults()
	topics := [][]entry{
		numeric(), logic(), texts(), patterns(), collections(), sets(), encodings(), digests(), networks(), times(opts),
		paths(opts), identifiers(opts), evaluation(), environment(opts), refs(),
	}
	if opts.FS != nil {
		topics = append(topics, files(opts.FS), repository(opts.Dir))
	}
	library := make(map[string]function.Function)
	for _, topic := range topics {
		for _, e := range topic {
			if _, taken := library[e.name]; taken {
				panic(fmt.Sprintf("function %q is defined twice", e.name))
			}
			library[e.name] = e.bounded()
		}
	}
	return library
}

// Impure reports whether the function of that name gives another result each time it is called. What it reaches is different in
// every run, so nothing that decides a cache key should depend on it.
func Impure(name string) bool {
	switch name {
	case "timestamp", "uuidv4", "bcrypt":
		return true
	}
	return false
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Home == nil {
		o.Home = home
	}
	if o.Env == nil {
		o.Env = func(string) (string, bool) { return "", false }
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return o
}

// home is the directory that HOME names, else the one of the user's account.
func home() (string, error) {
	dir, err := os.UserHomeDir()
	if err == nil {
		return dir, nil
	}
	account, accountErr := user.Current()
	if accountErr != nil {
		return "", fmt.Errorf("find home directory: %w", err)
	}
	return account.HomeDir, nil
}
