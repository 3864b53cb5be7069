package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// S3 is a running service that speaks S3.
type S3 struct {
	// Endpoint is its address. Bucket exists and is empty.
	Endpoint, Region, Bucket string
	// AccessKey and SecretKey may do everything.
	AccessKey, SecretKey string
}

// StartS3 starts versitygw over a directory. It ends with the test.
func StartS3(t testing.TB) *S3 {
	t.Helper()
	addr := freeAddr(t)
	s := &S3{Endpoint: "http://" + addr, Region: "us-east-1", Bucket: "cache", AccessKey: "test", SecretKey: "testsecret"}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, s.Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	start(t, func() bool { return listens("tcp", addr) }, nil, Tool(t, "versitygw"),
		"--port", addr, "--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region, "--quiet", "posix", dir)
	return s
}

// Attrs are the attributes of a cache in the bucket.
func (s *S3) Attrs() map[string]string {
	return map[string]string{
		"bucket": s.Bucket, "region": s.Region, "endpoint_url": s.Endpoint, "use_path_style": "true",
		"access_key_id": s.AccessKey, "secret_access_key": s.SecretKey,
	}
}
