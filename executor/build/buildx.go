package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errNoBuildx says that buildx has no builder of its own selected.
var errNoBuildx = errors.New("no buildx builder is selected")

// buildxInstance is a builder in buildx's store (docker/buildx: store/nodegroup.go).
type buildxInstance struct {
	Name   string
	Driver string
	Nodes  []struct {
		Name       string
		Endpoint   string
		DriverOpts map[string]string
	}
}

// buildxBuilder returns the buildx builder of that name, or the selected one for "".
func buildxBuilder(lookupEnv func(string) (string, bool), name string) (*Endpoint, error) {
	dir, err := buildxDir(lookupEnv)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name, _ = lookupEnv("BUILDX_BUILDER")
	}
	if name == "" {
		var current struct{ Name string }
		raw, err := os.ReadFile(filepath.Join(dir, "current"))
		if err != nil || json.Unmarshal(raw, &current) != nil || current.Name == "" {
			return nil, errNoBuildx
		}
		name = current.Name
	}
	raw, err := os.ReadFile(filepath.Join(dir, "instances", filepath.Base(name)))
	if err != nil {
		return nil, errNoBuildx
	}
	var b buildxInstance
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("buildx builder %s: %w", name, err)
	}
	return b.endpoint()
}

func buildxDir(lookupEnv func(string) (string, bool)) (string, error) {
	if dir, ok := lookupEnv("BUILDX_CONFIG"); ok && dir != "" {
		return dir, nil
	}
	if dir, ok := lookupEnv("DOCKER_CONFIG"); ok && dir != "" {
		return filepath.Join(dir, "buildx"), nil
	}
	home, ok := lookupEnv("HOME")
	if !ok || home == "" {
		return "", errNoBuildx
	}
	return filepath.Join(home, ".docker", "buildx"), nil
}

// endpoint is where the first node of a builder is reached.
func (b *buildxInstance) endpoint() (*Endpoint, error) {
	if len(b.Nodes) == 0 {
		return nil, fmt.Errorf("buildx builder %s has no nodes", b.Name)
	}
	node := b.Nodes[0]
	e := &Endpoint{Name: b.Name}
	switch b.Driver {
	case "docker-container":
		e.Address = "docker-container://buildx_buildkit_" + node.Name
	case "remote":
		e.Address = node.Endpoint
		e.CACert, e.Cert, e.Key, e.ServerName = node.DriverOpts["cacert"], node.DriverOpts["cert"], node.DriverOpts["key"], node.DriverOpts["servername"]
	case "kubernetes":
		return nil, fmt.Errorf("buildx builder %s runs in Kubernetes: name its pod with --builder kube-pod://POD?namespace=NAMESPACE", b.Name)
	default:
		return nil, fmt.Errorf("buildx builder %s uses the %s driver, which does not export caches", b.Name, b.Driver)
	}
	return e, nil
}
