package build

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
)

// embeddedName asks for the embedded builder by name.
const embeddedName = "embedded"

// Options says where to look for a builder.
type Options struct {
	// Name is what --builder said: a builder block, a buildx builder, "embedded" or an address.
	Name string
	// Builders and Registries are the blocks of the configuration.
	Builders   []*config.Builder
	Registries []*config.Registry
	LookupEnv  func(string) (string, bool)
	Logger     *slog.Logger
	// DataDir is where an embedded builder keeps its state; "" is the user's data directory.
	DataDir string
}

// Discover finds the builder to use: the one named, the configuration's, BUILDKIT_HOST, the current buildx builder, a daemon at one of the
// usual sockets, or one that is started for the purpose. What was asked for by name and does not exist is an error, and one that does not
// answer is an error of Client; what was not asked for is passed over when it does not answer. The caller closes the Endpoint.
func Discover(ctx context.Context, opt Options) (*Endpoint, error) {
	if opt.Name != "" {
		return named(ctx, opt, opt.Name)
	}
	if b := defaultBlock(opt.Builders); b != nil {
		return fromBlock(ctx, opt, b)
	}
	if addr, ok := opt.LookupEnv("BUILDKIT_HOST"); ok && addr != "" {
		return &Endpoint{Name: "BUILDKIT_HOST", Address: addr}, nil
	}
	if name, ok := opt.LookupEnv("BUILDX_BUILDER"); ok && name != "" && name != "default" {
		e, err := fromBuildx(ctx, opt, name)
		if err != nil {
			return nil, fmt.Errorf("builder %q, which BUILDX_BUILDER names: %w", name, err)
		}
		return e, nil
	}
	e, err := currentBuildx(ctx, opt)
	if err == nil {
		return e, nil
	}
	opt.Logger.Debug("pass over the current buildx builder", "reason", err)
	for _, path := range usualSockets(opt.LookupEnv) {
		if answers(path) {
			return &Endpoint{Name: path, Address: "unix://" + path}, nil
		}
		opt.Logger.Debug("no builder at socket", "path", path)
	}
	return embeddedEndpoint(ctx, opt)
}

// Elsewhere names the builder that Discover would look for first if it may run on another machine, "" if it runs on this one. It contacts nothing.
func Elsewhere(opt Options) string {
	name := opt.Name
	if name == "" {
		if b := defaultBlock(opt.Builders); b != nil {
			name = b.Name
		}
	}
	if addr, ok := opt.LookupEnv("BUILDKIT_HOST"); name == "" && ok {
		name = addr
	}
	for _, b := range opt.Builders {
		if b.Name == name {
			name = b.Endpoint
		}
	}
	if strings.Contains(name, "://") || name == embeddedName {
		return remoteAddress(name, opt.LookupEnv)
	}
	store, err := newBuildxStore(opt.LookupEnv)
	if err != nil {
		return ""
	}
	if env, _ := opt.LookupEnv("BUILDX_BUILDER"); name == "" {
		name = env
	}
	var b *buildxInstance
	if name == "" {
		b, err = store.current()
	} else {
		b, err = store.named(name)
	}
	if err != nil || len(b.Nodes) == 0 {
		return ""
	}
	if b.Driver == "docker-container" {
		return remoteAddress("docker-container://"+b.Name, opt.LookupEnv)
	}
	return "buildx " + b.Name
}

// remoteAddress is an address unless it is one of this machine.
func remoteAddress(addr string, lookupEnv func(string) (string, bool)) string {
	scheme, _, _ := strings.Cut(addr, "://")
	switch scheme {
	case embeddedName, "unix", "npipe":
		return ""
	case "docker-container":
		if host, _ := lookupEnv("DOCKER_HOST"); host == "" || strings.HasPrefix(host, "unix://") {
			return ""
		}
	}
	return addr
}

func named(ctx context.Context, opt Options, name string) (*Endpoint, error) {
	if strings.Contains(name, "://") {
		return &Endpoint{Name: name, Address: name}, nil
	}
	for _, b := range opt.Builders {
		if b.Name == name {
			return fromBlock(ctx, opt, b)
		}
	}
	if name == embeddedName {
		return embeddedEndpoint(ctx, opt)
	}
	e, err := fromBuildx(ctx, opt, name)
	if errors.Is(err, errNotBuildx) || errors.Is(err, errNoBuildx) {
		return nil, unknownName(name, err)
	}
	return e, err
}

// CheckName tells whether what --builder said can name a builder: a block, a buildx builder, "embedded" or an address. It contacts nothing.
func CheckName(opt Options) error {
	isBlock := slices.ContainsFunc(opt.Builders, func(b *config.Builder) bool { return b.Name == opt.Name })
	if opt.Name == "" || opt.Name == embeddedName || isBlock || strings.Contains(opt.Name, "://") {
		return nil
	}
	store, err := newBuildxStore(opt.LookupEnv)
	if err == nil {
		_, err = store.named(opt.Name)
	}
	if err != nil {
		return unknownName(opt.Name, err)
	}
	return nil
}

func unknownName(name string, err error) error {
	return fmt.Errorf("builder %q is no builder block, no buildx builder (%w) and no address like unix:///run/buildkit/buildkitd.sock", name, err)
}

// fromBuildx finds a buildx builder by name.
func fromBuildx(ctx context.Context, opt Options, name string) (*Endpoint, error) {
	store, err := newBuildxStore(opt.LookupEnv)
	if err != nil {
		return nil, err
	}
	b, err := store.named(name)
	if err != nil {
		return nil, err
	}
	return store.endpoint(ctx, b)
}

// currentBuildx is the builder that buildx has selected, if it answers: a selection is often older than the builder's container.
func currentBuildx(ctx context.Context, opt Options) (*Endpoint, error) {
	if name, ok := opt.LookupEnv("BUILDX_BUILDER"); ok && name == "default" {
		return nil, errNoBuildx
	}
	store, err := newBuildxStore(opt.LookupEnv)
	if err != nil {
		return nil, err
	}
	b, err := store.current()
	if err != nil {
		return nil, err
	}
	e, err := store.endpoint(ctx, b)
	if err != nil {
		return nil, err
	}
	c, err := e.Client(ctx)
	if err != nil {
		return nil, err
	}
	return e, c.Close()
}

func defaultBlock(builders []*config.Builder) *config.Builder {
	for _, b := range builders {
		if b.Default {
			return b
		}
	}
	if len(builders) == 1 {
		return builders[0]
	}
	return nil
}

func fromBlock(ctx context.Context, opt Options, b *config.Builder) (*Endpoint, error) {
	if b.Endpoint == embeddedName {
		return embeddedEndpoint(ctx, opt)
	}
	return &Endpoint{Name: b.Name, Address: b.Endpoint, CACert: b.CACert, Cert: b.Cert, Key: b.Key, ServerName: b.ServerName}, nil
}

func embeddedEndpoint(ctx context.Context, opt Options) (*Endpoint, error) {
	e, err := StartEmbedded(ctx, opt)
	if err != nil {
		return nil, err
	}
	return &Endpoint{Name: embeddedName, Address: e.Address(), embedded: e}, nil
}

// usualSockets are where a daemon listens when nobody says otherwise.
func usualSockets(lookupEnv func(string) (string, bool)) []string {
	list := []string{"/run/buildkit/buildkitd.sock"}
	if dir, ok := lookupEnv("XDG_RUNTIME_DIR"); ok && dir != "" {
		list = append(list, filepath.Join(dir, "buildkit", "buildkitd.sock"))
	}
	return append(list, fmt.Sprintf("/run/user/%d/buildkit/buildkitd.sock", os.Getuid()))
}

// answers tells whether somebody listens at a socket.
func answers(path string) bool {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
