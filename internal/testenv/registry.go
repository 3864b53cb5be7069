package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// RegistryOptions says which registry to start.
type RegistryOptions struct {
	// V2 starts distribution 2.8, as Debian packages it, rather than v3.
	V2 bool
	// Password asks for basic authentication as user "team"; "" for none.
	Password string
	// TLS serves HTTPS with a certificate of a CA of its own.
	TLS bool
	// Indexes lets v3 take indexes of blobs, which it refuses by default.
	Indexes bool
	// NoDelete refuses every deletion, as most registries do by default.
	NoDelete bool
}

// Registry is a running registry.
type Registry struct {
	// Addr is host:port as it stands in references.
	Addr string
	// Dir is where it keeps its content: docker/registry/v2 and so on lie in it.
	Dir string
	// CA is the PEM file of its CA, "" without TLS.
	CA string
}

// StartRegistry starts a registry of the distribution project. It ends with the test.
func StartRegistry(t testing.TB, opt RegistryOptions) *Registry {
	t.Helper()
	dir := t.TempDir()
	r := &Registry{Addr: freeAddr(t), Dir: filepath.Join(dir, "data")}
	cfg := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/data}, delete: {enabled: %t}}\n", dir, !opt.NoDelete)
	if opt.TLS {
		r.CA = Certificates(t, dir)
		cfg += fmt.Sprintf("http: {addr: %q, tls: {certificate: %s/cert.pem, key: %s/key.pem}}\n", r.Addr, dir, dir)
	} else {
		cfg += fmt.Sprintf("http: {addr: %q}\n", r.Addr)
	}
	if opt.Password != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(opt.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "htpasswd"), append([]byte("team:"), append(hash, '\n')...))
		cfg += fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n", dir)
	}
	if opt.Indexes && !opt.V2 {
		cfg += "validation: {manifests: {indexes: {platforms: none}}}\n"
	}
	write(t, filepath.Join(dir, "config.yml"), []byte(cfg))
	name := "registry"
	if opt.V2 {
		name = "docker-registry"
	}
	start(t, func() bool { return listens("tcp", r.Addr) }, []string{"OTEL_TRACES_EXPORTER=none"}, Tool(t, name), "serve", filepath.Join(dir, "config.yml"))
	return r
}

// DockerConfig makes a docker config directory with the registry's password and points DOCKER_CONFIG at it.
func (r *Registry) DockerConfig(t *testing.T, password string) {
	t.Helper()
	dir := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte("team:" + password))
	raw, err := json.Marshal(map[string]any{"auths": map[string]any{r.Addr: map[string]string{"auth": auth}}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.json"), raw)
	t.Setenv("DOCKER_CONFIG", dir)
}

func write(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Certificates makes a CA, ca.pem, and a certificate of it for servers on loopback and their clients, cert.pem and key.pem, in dir. It returns
// the CA's file.
func Certificates(t testing.TB, dir string) string {
	t.Helper()
	caKey, ca := certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	parent, err := x509.ParseCertificate(ca)
	if err != nil {
		t.Fatal(err)
	}
	key, cert := certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "registry"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, parent, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	path := filepath.Join(dir, "ca.pem")
	write(t, path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca}))
	return path
}

func certificate(t testing.TB, tmpl, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}
