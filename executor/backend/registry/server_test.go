package registry

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/registryd"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	"github.com/distribution/distribution/v3/registry/handlers"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/crypto/bcrypt"
)

// server is a registry for tests.
type server struct {
	addr, dir string
	block     config.Registry
	// client and base are for looking past the backend.
	client *http.Client
	base   string
}

func (s *server) hosts(t testing.TB) *Hosts {
	t.Helper()
	block := s.block
	block.Host = s.addr
	h, err := NewHosts(HostsOptions{Registries: []*config.Registry{&block}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func cacheOf(ref string, attrs map[string]string) config.Cache {
	all := map[string]string{"ref": ref}
	maps.Copy(all, attrs)
	return config.Cache{Type: "registry", Attrs: all}
}

func destination(t testing.TB, h *Hosts, ref string, attrs map[string]string) *Location {
	t.Helper()
	l, err := OpenDestination(cacheOf(ref, attrs), h)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func source(t testing.TB, h *Hosts, ref string, attrs map[string]string) *Location {
	t.Helper()
	l, err := OpenSource(cacheOf(ref, attrs), h)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// send makes a request past the backend and fails unless it is answered with one of the statuses.
func (s *server) send(t testing.TB, method, path string, header http.Header, body []byte, statuses ...int) *http.Response {
	t.Helper()
	u, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	if u, err = u.Parse(path); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, u.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(resp.Body)
	for _, want := range statuses {
		if resp.StatusCode == want {
			return resp
		}
	}
	t.Fatalf("%s %s: %s\n%s", method, path, resp.Status, said)
	return nil
}

func (s *server) seed(t testing.TB, name, mediaType string, manifest []byte, blobs [][]byte) {
	t.Helper()
	for _, b := range blobs {
		resp := s.send(t, http.MethodPost, "/v2/"+name+"/blobs/uploads/", nil, nil, http.StatusAccepted)
		at, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		q := at.Query()
		q.Set("digest", digest.FromBytes(b).String())
		at.RawQuery = q.Encode()
		s.send(t, http.MethodPut, at.String(), nil, b, http.StatusCreated)
	}
	s.send(t, http.MethodPut, "/v2/"+name+"/manifests/cache", http.Header{"Content-Type": {mediaType}}, manifest, http.StatusCreated)
}

func (s *server) root(t testing.TB, name string) digest.Digest {
	t.Helper()
	resp := s.send(t, http.MethodHead, "/v2/"+name+"/manifests/cache", http.Header{"Accept": {manifestTypes}}, nil, http.StatusOK, http.StatusNotFound)
	if resp.StatusCode == http.StatusNotFound {
		return ""
	}
	return digest.Digest(resp.Header.Get("Docker-Content-Digest"))
}

// file is where distribution keeps a blob.
func (s *server) file(d digest.Digest) string {
	return filepath.Join(s.dir, "docker/registry/v2/blobs", d.Algorithm().String(), d.Encoded()[:2], d.Encoded(), "data")
}

func (s *server) harness() backendtest.Harness {
	ref := func(name string) string { return s.addr + "/" + name + ":cache" }
	return backendtest.Harness{
		Open: func(t testing.TB, name string, attrs map[string]string) backend.Destination {
			return destination(t, s.hosts(t), ref(name), attrs)
		},
		Share: func(t testing.TB, name string, n int) []backend.Destination {
			h := s.hosts(t)
			var out []backend.Destination
			for range n {
				out = append(out, destination(t, h, ref(name), nil))
			}
			return out
		},
		Seed: s.seed,
		Root: s.root,
		Remove: func(t testing.TB, _ string, d digest.Digest) {
			if err := os.Remove(s.file(d)); err != nil {
				t.Fatal(err)
			}
		},
		Replace: func(t testing.TB, _ string, d digest.Digest, raw []byte) {
			if err := os.WriteFile(s.file(d), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// distribution3 is the registry that cachectl serves itself.
func distribution3(t testing.TB) *server {
	t.Helper()
	dir := t.TempDir()
	d, err := registryd.Serve(t.Context(), registryd.Options{Addr: "127.0.0.1:0", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return &server{addr: d.Addr(), dir: dir, client: http.DefaultClient, base: "http://" + d.Addr()}
}

// distribution2 is distribution 2.8 in a process of its own.
func distribution2(t testing.TB) *server {
	t.Helper()
	r := testenv.StartRegistry(t, testenv.RegistryOptions{V2: true})
	return &server{addr: r.Addr, dir: r.Dir, client: http.DefaultClient, base: "http://" + r.Addr}
}

func settings3(dir string) *configuration.Configuration {
	c := &configuration.Configuration{Version: "0.1", Storage: configuration.Storage{
		"filesystem":  configuration.Parameters{"rootdirectory": dir},
		"delete":      configuration.Parameters{"enabled": true},
		"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
	}}
	c.Validation.Manifests.Indexes.Platforms = "none"
	c.HTTP.Secret = "test"
	return c
}

// serve3 serves distribution 3 with settings of its own.
func serve3(t testing.TB, c *configuration.Configuration, tlsConfig *tls.Config) string {
	t.Helper()
	app := handlers.NewApp(context.Background(), c)
	srv := httptest.NewUnstartedServer(app)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if tlsConfig != nil {
		srv.TLS = tlsConfig
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(func() {
		srv.Close()
		_ = app.Shutdown()
	})
	return srv.Listener.Addr().String()
}

const (
	testUser     = "writer"
	testPassword = "correct horse battery"
)

// withBasicAuth is a registry behind a password, which is in the Docker configuration of the test.
func withBasicAuth(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte(testPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	passwords := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(passwords, []byte(testUser+":"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := settings3(dir)
	c.Auth = configuration.Auth{"htpasswd": configuration.Parameters{"realm": "test", "path": passwords}}
	addr := serve3(t, c, nil)
	login(t, addr, testUser, testPassword)
	return &server{addr: addr, dir: dir, client: &http.Client{Transport: basic{}}, base: "http://" + addr}
}

// login puts credentials into the Docker configuration that the test sees.
func login(t *testing.T, addr, user, password string) {
	t.Helper()
	home := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	raw, err := json.Marshal(map[string]any{"auths": map[string]any{addr: map[string]string{"auth": auth}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "config.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", home)
}

// basic logs in by itself.
type basic struct{}

func (basic) RoundTrip(req *http.Request) (*http.Response, error) {
	req.SetBasicAuth(testUser, testPassword)
	return http.DefaultTransport.RoundTrip(req)
}

// authority is a private CA and what it has certified.
type authority struct {
	file string
	tls  *tls.Config
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem"), pool: x509.NewCertPool()}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(cert)
	a.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return a
}

// withTLS is a registry with a certificate of a private CA that its block names.
func withTLS(t testing.TB) *server {
	t.Helper()
	a, dir := newAuthority(t), t.TempDir()
	addr := serve3(t, settings3(dir), a.tls)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool, MinVersion: tls.VersionTLS12}}}
	t.Cleanup(client.CloseIdleConnections)
	return &server{addr: addr, dir: dir, client: client, base: "https://" + addr, block: config.Registry{CA: a.file}}
}

func TestDistribution3KeepsThePromisesOfABackend(t *testing.T) {
	backendtest.Run(t, distribution3(t).harness())
}

func TestDistribution2KeepsThePromisesOfABackend(t *testing.T) {
	backendtest.Run(t, distribution2(t).harness())
}

func TestARegistryWithBasicAuthKeepsThePromisesOfABackend(t *testing.T) {
	backendtest.Run(t, withBasicAuth(t).harness())
}

func TestARegistryWithAPrivateCAKeepsThePromisesOfABackend(t *testing.T) {
	backendtest.Run(t, withTLS(t).harness())
}

// published puts a sample there and returns it.
func published(t testing.TB, s *server, name string) (*backendtest.Sample, ocispec.Descriptor) {
	t.Helper()
	sample := backendtest.NewSample(t, name, 3)
	return sample, backendtest.Publish(t, destination(t, s.hosts(t), s.addr+"/"+name+":cache", nil), sample, ocispec.Descriptor{})
}

func describe(err error) string { return fmt.Sprintf("%T %v", err, err) }
