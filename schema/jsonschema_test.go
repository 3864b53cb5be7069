package schema_test

import (
	"os"
	"testing"

	"github.com/cachectl/cachectl/schema"
	"github.com/google/go-cmp/cmp"
)

func TestTheJSONSchemaIsWhatTheTablesSay(t *testing.T) {
	const path = "cache.schema.json"
	got, err := schema.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the tables say; run the test with -update (-file +tables):\n%s", path, diff)
	}
}
