package testenv

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// S3 is a running service that speaks S3.
type S3 struct {
	// Endpoint is its address. Bucket exists and is empty.
	Endpoint, Region, Bucket string
	// Dir is where the bucket's objects are files.
	Dir string
	// AccessKey and SecretKey may do everything.
	AccessKey, SecretKey string
}

// StartS3 starts versitygw over a directory. It ends with the test.
func StartS3(t testing.TB) *S3 {
	t.Helper()
	s, dir := newS3(t)
	start(t, func() bool { return listens("tcp", s.addr()) }, nil, Tool(t, "versitygw"),
		"--port", s.addr(), "--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region, "--quiet", "posix", dir)
	return s
}

// StartMinIO starts MinIO over a directory. It ends with the test.
func StartMinIO(t testing.TB) *S3 {
	t.Helper()
	s, dir := newS3(t)
	start(t, func() bool { return answers(s.Endpoint + "/minio/health/ready") },
		[]string{"MINIO_ROOT_USER=" + s.AccessKey, "MINIO_ROOT_PASSWORD=" + s.SecretKey, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "HOME=" + dir},
		Tool(t, "minio"), "server", "--quiet", "--address", s.addr(), dir)
	return s
}

// newS3 is a service that is to be started, with a bucket in a directory.
func newS3(t testing.TB) (s *S3, dir string) {
	t.Helper()
	s = &S3{Endpoint: "http://" + freeAddr(t), Region: "us-east-1", Bucket: "cache", AccessKey: "test", SecretKey: "testsecret"}
	dir = t.TempDir()
	s.Dir = filepath.Join(dir, s.Bucket)
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func (s *S3) addr() string { return strings.TrimPrefix(s.Endpoint, "http://") }

// answers tells whether a server says that it is ready.
func answers(url string) bool {
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Attrs are the attributes of a cache in the bucket.
func (s *S3) Attrs() map[string]string {
	return map[string]string{
		"bucket": s.Bucket, "region": s.Region, "endpoint_url": s.Endpoint, "use_path_style": "true",
		"access_key_id": s.AccessKey, "secret_access_key": s.SecretKey,
	}
}
