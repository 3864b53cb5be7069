package azblob_test

import (
	"testing"

	"github.com/cachectl/cachectl/executor/backend/bucket/buckettest"
	"github.com/cachectl/cachectl/internal/testenv"
)

func TestAProbeTellsWhatTheServiceDoesAndLeavesNothingBehind(t *testing.T) {
	buckettest.RunProbe(t, aside(t, testenv.StartAzure(t)), map[string]string{"name": "kept"})
}
