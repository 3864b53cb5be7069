// Package registryd is the registry that cachectl serves itself: the distribution project's, on a directory of this machine, on a loopback
// address, for the length of a run. It lets a first run need no server; it is not meant to serve a team.
package registryd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"

	// The driver that keeps content in a directory.
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

// ErrNotLoopback says that others could reach the address.
var ErrNotLoopback = errors.New("is not on this machine only; it is served without passwords, so use localhost:PORT")

// ErrInUse says that something listens at the address already.
var ErrInUse = errors.New("address is in use")

// shutdownTime is how long requests under way may take to end.
const shutdownTime = 5 * time.Second

// Options says what to serve where.
type Options struct {
	// Addr is host:port on loopback; port 0 takes a free one.
	Addr string
	// Dir keeps the content; it is made if it is missing.
	Dir string
	// Logger is told, as debug, of requests that break off; nil tells nobody.
	Logger *slog.Logger
}

// Server is a registry that is being served.
type Server struct {
	http     *http.Server
	listener net.Listener
	app      *handlers.App
	done     chan error
}

// Serve starts a registry. The caller closes it. What distribution itself logs goes to logrus's standard logger, which is the program's
// to direct. An address that is not on loopback is ErrNotLoopback; one that is taken is ErrInUse.
func Serve(ctx context.Context, opt Options) (*Server, error) {
	if err := checkLoopback(opt.Addr); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make registry directory: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", opt.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %w", opt.Addr, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("serve registry: %w", err)
	}
	logger := opt.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	app := handlers.NewApp(context.WithoutCancel(ctx), settings(opt.Dir))
	s := &Server{
		listener: l, app: app, done: make(chan error, 1),
		http: &http.Server{
			Handler: app, ReadHeaderTimeout: time.Minute,
			ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // the standard one would write to the terminal
		},
	}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// Addr is where the registry listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends the registry when the requests under way have ended.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	return errors.Join(err, s.app.Shutdown())
}

func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("registry address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("registry address %q %w", addr, ErrNotLoopback)
	}
	return nil
}

// settings are built here rather than parsed, which would let REGISTRY_* variables of the environment change them. Indexes of blobs are
// allowed: BuildKit's older form of a cache is one.
func settings(dir string) *configuration.Configuration {
	c := &configuration.Configuration{
		Version: "0.1",
		Storage: configuration.Storage{
			"filesystem": configuration.Parameters{"rootdirectory": dir},
			"delete":     configuration.Parameters{"enabled": true},
			"maintenance": configuration.Parameters{
				"uploadpurging": map[any]any{"enabled": false},
			},
		},
	}
	c.Log.AccessLog.Disabled = true
	c.Log.Level = "error"
	c.Validation.Manifests.Indexes.Platforms = "none"
	c.HTTP.Secret = "loopback" // signs upload sessions of this process
	return c
}
