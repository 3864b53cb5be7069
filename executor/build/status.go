package build

import "github.com/moby/buildkit/client"

// Status is one message of BuildKit's progress stream. The alias lets other packages handle it without importing the client.
type Status = client.SolveStatus
