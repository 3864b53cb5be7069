// Command registry is the registry of the distribution project with what tests use of it: it keeps content in a directory, and may ask for a password. Its
// drivers for clouds would take most of the time that building it takes.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"             // passwords
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // content
)

func main() {
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
