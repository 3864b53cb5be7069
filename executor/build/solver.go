package build

import (
	"log/slog"

	"github.com/cachectl/cachectl/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// SolverOptions is what all solves of a run share.
type SolverOptions struct {
	// Targets are all targets of the run by name; links between targets are looked up here.
	Targets map[string]*config.Target
	// Dir is the directory that relative contexts, outputs and secrets are resolved against.
	Dir string
	// DockerConfig supplies registry credentials and proxies; nil means none.
	DockerConfig *configfile.ConfigFile
	// TLS is how token servers of registries are reached, by host.
	TLS map[string]*authprovider.AuthTLSConfig
	// LookupEnv reads the client's environment.
	LookupEnv func(string) (string, bool)
	Logger    *slog.Logger
}

// Solver builds targets on one builder. It is safe for concurrent use.
//
// Each target is one plain Control.Solve with the dockerfile frontend, its cache sources given to the job, and sessions of its own for
// its local files. Vertices that two concurrent jobs share lose the second job's imported cache (BuildKit's solver/jobs.go keys
// them by digest alone), and so do frontends that run behind a gateway callback; sessions of their own give each job its own vertices.
type Solver struct {
	client *client.Client
	opt    SolverOptions
}

// NewSolver returns a Solver on c. The caller keeps owning c and closes it after the last Solve.
func NewSolver(c *client.Client, opt SolverOptions) *Solver {
	if opt.DockerConfig == nil {
		opt.DockerConfig = configfile.New("")
	}
	return &Solver{client: c, opt: opt}
}
