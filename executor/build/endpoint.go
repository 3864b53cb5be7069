package build

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	// The ways to a builder besides sockets and TCP.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
)

// answerTime is how long a builder may take to answer for the first time.
const answerTime = 20 * time.Second

// Endpoint is a BuildKit daemon that can be connected to.
type Endpoint struct {
	// Name is what the user calls it, Address what the client dials.
	Name, Address string
	// TLS is for tcp:// addresses.
	CACert, Cert, Key, ServerName string

	embedded *Embedded
}

// Client connects and makes sure that somebody answers. The caller closes the client.
func (e *Endpoint) Client(ctx context.Context) (*client.Client, error) {
	opts, err := e.options()
	if err != nil {
		return nil, err
	}
	c, err := client.New(ctx, e.Address, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to builder %s at %s: %w", e.Name, e.Address, err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, err := c.Info(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("builder %s at %s does not answer: %w", e.Name, e.Address, err)
	}
	return c, nil
}

// options are the client's for TLS, which only tcp:// addresses speak.
func (e *Endpoint) options() ([]client.ClientOpt, error) {
	if e.CACert == "" && e.Cert == "" && e.Key == "" && e.ServerName == "" {
		return nil, nil
	}
	if !strings.HasPrefix(e.Address, "tcp://") {
		return nil, fmt.Errorf("builder %s has TLS settings, which are for tcp:// addresses only, and is at %s", e.Name, e.Address)
	}
	if (e.Cert == "") != (e.Key == "") {
		return nil, fmt.Errorf("builder %s has one of cert and key; a client's certificate needs both", e.Name)
	}
	opts := []client.ClientOpt{client.WithServerConfigSystem(e.ServerName)}
	if e.CACert != "" {
		opts = []client.ClientOpt{client.WithServerConfig(e.ServerName, e.CACert)}
	}
	if e.Cert != "" {
		opts = append(opts, client.WithCredentials(e.Cert, e.Key))
	}
	return opts, nil
}

// Close stops an embedded daemon that nobody else uses. Other endpoints are left alone.
func (e *Endpoint) Close(ctx context.Context) error {
	if e.embedded == nil {
		return nil
	}
	return e.embedded.Release(ctx)
}
