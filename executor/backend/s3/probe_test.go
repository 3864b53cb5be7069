package s3_test

import (
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/bucket/buckettest"
	"github.com/cachectl/cachectl/internal/testenv"
)

func TestAProbeTellsWhatTheServiceDoesAndLeavesNothingBehind(t *testing.T) {
	buckettest.RunProbe(t, aside(testenv.StartS3(t)), map[string]string{"name": "kept", "prefix": "team/"})
}

func TestAProbeSaysThatABucketCannotBeWritten(t *testing.T) {
	s := aside(testenv.StartS3(t))
	var upload backend.Finding
	wrong := s.Open(t, nil, map[string]string{"secret_access_key": "wrong", "retry_max_attempts": "1"})
	if err := wrong.Probe(t.Context(), func(f backend.Finding) {
		if f.Feature == "upload" {
			upload = f
		}
	}); err != nil {
		t.Fatal(err)
	}
	if upload.Err == nil {
		t.Errorf("upload: %+v", upload)
	}
}
