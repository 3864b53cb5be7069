package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// What the store may lack.
var (
	errNoBuildx  = errors.New("no buildx builder is selected")
	errNotBuildx = errors.New("buildx has no builder of that name")
)

// defaultDocker is where docker's own daemon listens when nobody says otherwise.
const defaultDocker = "unix:///var/run/docker.sock"

// buildxStore is where buildx keeps its builders (docker/buildx: store/store.go).
type buildxStore struct {
	dir       string
	docker    string // docker's configuration directory
	lookupEnv func(string) (string, bool)
}

// buildxInstance is a builder in the store (docker/buildx: store/nodegroup.go).
type buildxInstance struct {
	Name   string
	Driver string
	Nodes  []buildxNode
}

type buildxNode struct {
	Name       string
	Endpoint   string
	DriverOpts map[string]string
}

func newBuildxStore(lookupEnv func(string) (string, bool)) (*buildxStore, error) {
	docker, _ := lookupEnv("DOCKER_CONFIG")
	if docker == "" {
		home, _ := lookupEnv("HOME")
		if home == "" {
			return nil, errNoBuildx
		}
		docker = filepath.Join(home, ".docker")
	}
	s := &buildxStore{dir: filepath.Join(docker, "buildx"), docker: docker, lookupEnv: lookupEnv}
	if dir, _ := lookupEnv("BUILDX_CONFIG"); dir != "" {
		s.dir = dir
	}
	return s, nil
}

// named reads the builder of that name.
func (s *buildxStore) named(name string) (*buildxInstance, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, "instances", filepath.Base(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", errNotBuildx, s.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read buildx builder %s: %w", name, err)
	}
	var b buildxInstance
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("read buildx builder %s: %w", name, err)
	}
	return &b, nil
}

// current reads the builder that `docker buildx use` selected: for every docker endpoint, or for the one that docker uses now.
func (s *buildxStore) current() (*buildxInstance, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, "current"))
	var current struct {
		Key, Name string
		Global    bool
	}
	if err == nil {
		if err := json.Unmarshal(raw, &current); err != nil {
			return nil, fmt.Errorf("read the current buildx builder: %w", err)
		}
	}
	key := s.dockerEndpoint()
	name := current.Name
	if name != "" && !current.Global && current.Key != key {
		name = ""
	}
	if name == "" {
		sum := sha256.Sum256([]byte(key))
		raw, _ := os.ReadFile(filepath.Join(s.dir, "defaults", hex.EncodeToString(sum[:])[:20]))
		name = string(raw)
	}
	if name == "" {
		return nil, errNoBuildx
	}
	return s.named(name)
}

// dockerEndpoint is what docker's command line would talk to: the key that buildx files the selection of a builder under
// (docker/buildx: util/dockerutil, GetCurrentEndpoint).
func (s *buildxStore) dockerEndpoint() string {
	if host, _ := s.lookupEnv("DOCKER_HOST"); host != "" {
		return host
	}
	if name, _ := s.lookupEnv("DOCKER_CONTEXT"); name != "" && name != "default" {
		return name
	}
	var cfg struct{ CurrentContext string }
	if raw, err := os.ReadFile(filepath.Join(s.docker, "config.json")); err == nil && json.Unmarshal(raw, &cfg) == nil && cfg.CurrentContext != "" && cfg.CurrentContext != "default" {
		return cfg.CurrentContext
	}
	return defaultDocker
}

// endpoint is where the first node of a builder is reached.
func (s *buildxStore) endpoint(ctx context.Context, b *buildxInstance) (*Endpoint, error) {
	if len(b.Nodes) == 0 {
		return nil, fmt.Errorf("buildx builder %s has no nodes", b.Name)
	}
	node := b.Nodes[0]
	e := &Endpoint{Name: b.Name}
	var err error
	switch b.Driver {
	case "docker-container":
		e.Address, err = s.container(node)
	case "remote":
		e.Address = node.Endpoint
		e.CACert, e.Cert, e.Key, e.ServerName = node.DriverOpts["cacert"], node.DriverOpts["cert"], node.DriverOpts["key"], node.DriverOpts["servername"]
	case "kubernetes":
		e.Address, err = s.pod(ctx, node)
	default:
		err = fmt.Errorf("it uses the %s driver, which exports no caches; make one that does: docker buildx create --use", b.Driver)
	}
	if err != nil {
		return nil, fmt.Errorf("buildx builder %s: %w", b.Name, err)
	}
	return e, nil
}

// container is the address of a builder of the docker-container driver. Its node names a docker context or the address of a docker daemon, of
// which the connection can be told the former only.
func (s *buildxStore) container(node buildxNode) (string, error) {
	address := "docker-container://buildx_buildkit_" + node.Name
	host, _ := s.lookupEnv("DOCKER_HOST")
	switch {
	case node.Endpoint == "", node.Endpoint == "default", node.Endpoint == defaultDocker && host == "", node.Endpoint == host:
		return address, nil
	case strings.Contains(node.Endpoint, "://"):
		return "", fmt.Errorf("its container runs on another docker daemon: set DOCKER_HOST=%s", node.Endpoint)
	}
	return address + "?context=" + url.QueryEscape(node.Endpoint), nil
}

// pod is the address of a running pod of the kubernetes driver, as kubectl finds it (docker/buildx: driver/kubernetes, where the deployment is
// named after the node and its pods have its name as their label app).
func (s *buildxStore) pod(ctx context.Context, node buildxNode) (string, error) {
	args := []string{"get", "pods", "--selector=app=" + strings.ReplaceAll(node.Name, "_", "-"), "--field-selector=status.phase=Running", "--output=name"}
	query := url.Values{"container": {"buildkitd"}}
	if ns := node.DriverOpts["namespace"]; ns != "" {
		args = append(args, "--namespace="+ns)
		query.Set("namespace", ns)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, "kubectl", args...).Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("find its pods: kubectl: %w", err)
	}
	pods := strings.Fields(string(out))
	if len(pods) == 0 {
		return "", errors.New("none of its pods is running: docker buildx inspect --bootstrap " + node.Name)
	}
	slices.Sort(pods)
	return "kube-pod://" + strings.TrimPrefix(pods[0], "pod/") + "?" + query.Encode(), nil
}
