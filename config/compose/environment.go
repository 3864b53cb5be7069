package compose

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

// maxDotEnv is the largest .env that is read, in bytes.
const maxDotEnv = 1 << 20

// environment is opts.Env on top of the .env file in opts.Dir, if there is one.
func environment(opts Options) (map[string]string, error) {
	env := maps.Clone(opts.Env)
	if env == nil {
		env = map[string]string{}
	}
	content, err := readDotEnv(filepath.Join(opts.Dir, ".env"))
	if err != nil || content == nil {
		return env, err
	}
	set, err := dotenv.UnmarshalBytesWithLookup(content, func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err != nil {
		return nil, fmt.Errorf("read .env: %w", err)
	}
	for name, value := range set {
		if _, ok := env[name]; !ok {
			env[name] = value
		}
	}
	return env, nil
}

// readDotEnv returns nil where there is no such file.
func readDotEnv(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read .env: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read .env: %s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read .env: %w", err)
	}
	defer f.Close() //nolint:errcheck // read side
	content, err := io.ReadAll(io.LimitReader(f, maxDotEnv+1))
	if err != nil {
		return nil, fmt.Errorf("read .env: %w", err)
	}
	if len(content) > maxDotEnv {
		return nil, fmt.Errorf("read .env: %s is larger than %d bytes", name, maxDotEnv)
	}
	return content, nil
}
