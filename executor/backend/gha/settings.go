package gha

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
)

const (
	defaultTimeout = 10 * time.Minute
	defaultAPI     = "https://api.github.com"
)

// errNoService says that a job's address and token are not to be had.
var errNoService = errors.New("there is no cache service: token and url are neither written nor in the environment (ACTIONS_RUNTIME_TOKEN, and ACTIONS_RESULTS_URL or ACTIONS_CACHE_URL). " +
	"GitHub gives them to actions, not to run steps: let an action such as crazy-max/ghaction-github-runtime pass them on")

// settings are the attributes of a cache with what the environment adds.
type settings struct {
	url     string
	v2      bool
	token   string
	timeout time.Duration
	// repository and ghtoken are for listing keys at api; both or none.
	repository, ghtoken, api string
}

// read takes the settings from a cache's attributes and the environment, in the way of docker buildx (build/opt.go, addGithubToken) and BuildKit
// (cache/remotecache/gha, getConfig). lookupEnv may be nil for no environment.
func read(c config.Cache, lookupEnv func(string) (string, bool)) (settings, error) {
	if lookupEnv == nil {
		lookupEnv = func(string) (string, bool) { return "", false }
	}
	env := func(names ...string) string {
		for _, name := range names {
			if v, ok := lookupEnv(name); ok && v != "" {
				return v
			}
		}
		return ""
	}
	s := settings{token: c.Attrs["token"], timeout: defaultTimeout, api: env("GITHUB_API_URL")}
	if s.token == "" {
		s.token = env("ACTIONS_RUNTIME_TOKEN")
	}
	if s.api == "" {
		s.api = defaultAPI
	}
	if c.Attrs["repository"] != "" && c.Attrs["ghtoken"] != "" {
		s.repository, s.ghtoken = c.Attrs["repository"], c.Attrs["ghtoken"]
	}
	if v := c.String("timeout"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return s, fmt.Errorf("timeout %q is not a duration like 10m", v)
		}
		s.timeout = d
	}
	if err := s.address(c, env); err != nil {
		return s, err
	}
	if s.token == "" || s.url == "" {
		return s, noService(c, env("GITHUB_ACTIONS") == "true")
	}
	return s, checkAddress(s.url)
}

// noService is errNoService. Outside of a job, with nothing written that says where a service is, that is as it should be: the same configuration serves
// jobs and developers.
func noService(c config.Cache, inJob bool) error {
	if inJob || c.Attrs["token"] != "" || c.Attrs["url"] != "" || c.Attrs["url_v2"] != "" {
		return errNoService
	}
	return fmt.Errorf("%w: %w", backend.ErrElsewhere, errNoService)
}

// address finds which version of the service is spoken, and where.
func (s *settings) address(c config.Cache, env func(...string) string) error {
	version := 0
	if v := c.Attrs["version"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 2 {
			return fmt.Errorf("version %q of the cache service: there are 1 and 2", v)
		}
		version = n
	}
	v2 := c.Attrs["url_v2"]
	if on, err := strconv.ParseBool(env("ACTIONS_CACHE_SERVICE_V2")); v2 == "" && (version == 2 || (version == 0 && err == nil && on)) {
		v2 = env("ACTIONS_RESULTS_URL")
	}
	if version != 1 && v2 != "" {
		s.url, s.v2 = v2, true
		return nil
	}
	s.url = c.Attrs["url"]
	if s.url == "" {
		s.url = env("ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL")
	}
	s.v2 = version == 2 || (version == 0 && strings.Contains(s.url, "results-receiver.actions.githubusercontent.com"))
	return nil
}

func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("the url of the cache service is not an address like https://host/")
	}
	return nil
}
