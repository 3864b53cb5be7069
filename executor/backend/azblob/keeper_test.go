package azblob_test

import (
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/azblob"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/internal/testenv"
)

func TestKeeper(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	backendtest.RunKeeper(t, backendtest.KeeperHarness{
		Open: func(t testing.TB, name string) backend.Keeper { return s.Open(t, nil, map[string]string{"name": name}) },
		Entry: func(t testing.TB, c config.Cache) backend.Destination {
			l, err := azblob.Open(c, nil)
			if err != nil {
				t.Fatal(err)
			}
			return l
		},
		Empty: func(t testing.TB) backend.Keeper { return s.Open(t, nil, map[string]string{"container": "none"}) },
	})
}
