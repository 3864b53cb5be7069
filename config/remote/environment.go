package remote

import (
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// environment lets git speak the protocol of the address alone, so that no server can lead it to another, ask nobody anything, and find no repository
// above dir. Credentials come from the user's own configuration of git, or are the header that is given.
func (l *Location) environment(header, dir string) []string {
	scheme := "ssh"
	if u, err := url.Parse(l.git.Remote); err == nil && u.Scheme != "" {
		scheme = u.Scheme
	}
	env := append(without(os.Environ(), "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
		"GIT_ALLOW_PROTOCOL="+scheme, "GIT_TERMINAL_PROMPT=0", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_ASKPASS=true", "SSH_ASKPASS=true", "LC_ALL=C")
	if os.Getenv("GIT_SSH_COMMAND") == "" {
		env = append(env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes -o ConnectTimeout=30")
	}
	if header != "" && scheme == "https" {
		host, _, _ := strings.Cut(strings.TrimPrefix(l.git.Remote, "https://"), "/")
		env = append(env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.https://"+host+"/.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: "+header)
	}
	return env
}

// BakeAuthorization is the header that Bake's variables ask for, BUILDX_BAKE_GIT_AUTH_HEADER or BUILDX_BAKE_GIT_AUTH_TOKEN; "" for none.
func BakeAuthorization(lookup func(string) (string, bool)) string {
	if header, ok := lookup("BUILDX_BAKE_GIT_AUTH_HEADER"); ok && header != "" {
		return header
	}
	if token, ok := lookup("BUILDX_BAKE_GIT_AUTH_TOKEN"); ok && token != "" {
		return TokenAuthorization(token)
	}
	return ""
}

// TokenAuthorization is the header that a token is sent in (BuildKit: source/git/source.go, getAuthToken).
func TokenAuthorization(token string) string {
	return "basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))
}

// without drops variables, which would point git to another repository.
func without(env []string, names ...string) []string {
	var out []string
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); !slices.Contains(names, name) {
			out = append(out, e)
		}
	}
	return out
}
