package testenv

import (
	"net"
	"testing"
)

// Azure is a running service that speaks Azure Blob Storage.
type Azure struct {
	// AccountURL is the address of its one account, Account its name and Key what may do everything there.
	AccountURL, Account, Key string
	// Container does not exist.
	Container string
}

// azuriteKey is the key that every Azurite has (its README).
const azuriteKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

// StartAzure starts Azurite over a directory. It ends with the test.
func StartAzure(t testing.TB) *Azure {
	t.Helper()
	addr := freeAddr(t)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	start(t, func() bool { return listens("tcp", addr) }, nil, Tool(t, "node"), Tool(t, "azurite-blob"),
		"--blobHost", host, "--blobPort", port, "--location", t.TempDir(), "--silent", "--skipApiVersionCheck", "--disableTelemetry")
	return &Azure{AccountURL: "http://" + addr + "/devstoreaccount1", Account: "devstoreaccount1", Key: azuriteKey, Container: "cache"}
}

// Attrs are the attributes of a cache in the container.
func (a *Azure) Attrs() map[string]string {
	return map[string]string{"account_url": a.AccountURL, "account_name": a.Account, "container": a.Container, "secret_access_key": a.Key}
}
