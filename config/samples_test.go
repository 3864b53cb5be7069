package config_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cachectl/cachectl/schema"
	"golang.org/x/crypto/ssh"
)

// sample is two values of an attribute in HCL, the second as --set takes it, and a value that cannot be.
type sample struct {
	first, second, set, wrong string
}

// kindSamples are values that fit every attribute of a kind.
var kindSamples = map[schema.Kind]sample{
	schema.String:    {`"one"`, `"two"`, "=two", `[1]`},
	schema.Bool:      {`true`, `false`, "=false", `"maybe"`},
	schema.Number:    {`1`, `2`, "=2", `"many"`},
	schema.Strings:   {`["one"]`, `["two"]`, "=two", `true`},
	schema.Map:       {`{ a = "one" }`, `{ b = "two" }`, ".b=two", `["a"]`},
	schema.Caches:    {`["type=registry,ref=r/one"]`, `["type=registry,ref=r/two"]`, "=type=registry,ref=r/two", `[{}]`},
	schema.Outputs:   {`["type=local,dest=one"]`, `["type=local,dest=two"]`, "=type=local,dest=two", `[{}]`},
	schema.Secrets:   {`["id=one,env=ONE"]`, `["id=two,env=TWO"]`, "=id=two,env=TWO", `"a"`},
	schema.Attests:   {`["type=sbom"]`, `["type=provenance,mode=max"]`, "=type=provenance,mode=max", `"a"`},
	schema.Resources: {`{ memory = "1g" }`, `{ memory-swap = "2g" }`, ".memory-swap=2g", `["a"]`},
	schema.Policies:  {`[{ filename = "one.rego" }]`, `[{ filename = "two.rego" }]`, "=filename=two.rego", `"a"`},
	schema.Matrix:    {`{ v = ["one"] }`, `{ v = ["two"] }`, "", `["a"]`},
	schema.Any:       {`"one"`, `"two"`, "", ""},
}

// ownSamples are values of attributes that do not take everything of their kind.
var ownSamples = map[string]sample{
	"target.platforms":         {`["linux/amd64"]`, `["linux/arm64"]`, "=linux/arm64", `true`},
	"target.max-age":           {`"24h"`, `"7d"`, "=7d", `[1]`},
	"target.network":           {`"none"`, `"default"`, "=default", `[1]`},
	"target.shm-size":          {`"64m"`, `"128m"`, "=128m", `[1]`},
	"target.ulimits":           {`["nofile=1:2"]`, `["nproc=3:4"]`, "=nproc=3:4", `true`},
	"target.extra-hosts":       {`{ a = "127.0.0.1" }`, `{ b = "127.0.0.2" }`, ".b=127.0.0.2", `["a"]`},
	"target.annotations":       {`["a=one"]`, `["b=two"]`, "=b=two", `true`},
	"target.entitlements":      {`["network.host"]`, `["security.insecure"]`, "=security.insecure", `true`},
	"target.call":              {`"check"`, `"outline"`, "=outline", `[1]`},
	"builder.endpoint":         {`"tcp://one:1"`, `"tcp://two:1"`, "", `[1]`},
	"retention.max-age":        {`"14d"`, `"336h"`, "", `[1]`},
	"retention.max-idle":       {`"14d"`, `"336h"`, "", `[1]`},
	"retention.grace":          {`"1h"`, `"2h"`, "", `[1]`},
	"retention.max-size":       {`"1GB"`, `"2GB"`, "", `[1]`},
	"retention.names":          {`["one-*"]`, `["two-*"]`, "", `true`},
	"schedule.cron":            {`"0 3 * * *"`, `"@daily"`, "", `[1]`},
	"schedule.timezone":        {`"Europe/Berlin"`, `"Asia/Tokyo"`, "", `[1]`},
	"variable.type":            {`string`, `number`, "", ""},
	"function.params":          {`[a]`, `[b]`, "", ""},
	"function.variadic_params": {`c`, `d`, "", ""},
}

// sampleOf finds the values for an attribute; a kind without any fails the test.
func sampleOf(t *testing.T, block string, a *schema.Attribute) sample {
	t.Helper()
	if s, ok := ownSamples[block+"."+a.Name]; ok {
		return s
	}
	if a.Kind == schema.Agents {
		one, two := sshKey(t), sshKey(t)
		return sample{fmt.Sprintf(`["one=%s"]`, one), fmt.Sprintf(`["two=%s"]`, two), "=two=" + two, `"a"`}
	}
	s, ok := kindSamples[a.Kind]
	if !ok {
		t.Fatalf("%s.%s is of a kind without samples; give it some, so that the tests of the tables cover it", block, a.Name)
	}
	return s
}

// sshKey writes a private key and returns its path.
func sshKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
