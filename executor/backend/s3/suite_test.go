package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/s3"
	"github.com/cachectl/cachectl/internal/testenv"
	digest "github.com/opencontainers/go-digest"
)

// side is the bucket as it is seen past the backend.
type side struct {
	*testenv.S3
	client *awss3.Client
}

func aside(s *testenv.S3) side {
	return side{s, awss3.New(awss3.Options{
		Region: s.Region, BaseEndpoint: &s.Endpoint, UsePathStyle: true, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey}, nil
		}),
	})}
}

func (s side) put(t testing.TB, key string, body []byte, meta map[string]string) {
	t.Helper()
	if _, err := s.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: bytes.NewReader(body), Metadata: meta}); err != nil {
		t.Fatal(err)
	}
}

// get reads an object; nil if it is not there.
func (s side) get(t testing.TB, key string) (body []byte, meta map[string]string) {
	t.Helper()
	out, err := s.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &s.Bucket, Key: &key})
	var none *types.NoSuchKey
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if body, err = io.ReadAll(out.Body); err != nil {
		t.Fatal(err)
	}
	return body, out.Metadata
}

func (s side) remove(t testing.TB, key string) {
	t.Helper()
	if _, err := s.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &s.Bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
}

// keys lists the bucket.
func (s side) keys(t testing.TB) []string {
	t.Helper()
	out, err := s.client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &s.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, o := range out.Contents {
		list = append(list, *o.Key)
	}
	return list
}

// open opens a destination in the bucket.
func (s side) open(t testing.TB, stores *bucket.Stores, attrs map[string]string) *bucket.Location {
	t.Helper()
	all := s.Attrs()
	maps.Copy(all, attrs)
	l, err := s3.OpenDestination(config.Cache{Type: "s3", Attrs: all}, stores)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestABucketKeepsThePromisesOfABackend(t *testing.T) {
	s := aside(testenv.StartS3(t))
	open := func(t testing.TB, stores *bucket.Stores, name string, attrs map[string]string) backend.Destination {
		all := map[string]string{"name": name}
		maps.Copy(all, attrs)
		return s.open(t, stores, all)
	}
	manifest := func(name string) string { return "manifests/" + name }
	layer := func(d digest.Digest) string { return "blobs/" + d.String() }
	backendtest.Run(t, backendtest.Harness{
		SelfDescribed: true,
		Open: func(t testing.TB, name string, attrs map[string]string) backend.Destination {
			return open(t, nil, name, attrs)
		},
		Share: func(t testing.TB, name string, n int) []backend.Destination {
			stores := &bucket.Stores{}
			var out []backend.Destination
			for range n {
				out = append(out, open(t, stores, name, nil))
			}
			return out
		},
		Seed: func(t testing.TB, name, _ string, config []byte, blobs [][]byte) {
			for _, b := range blobs {
				s.put(t, layer(digest.FromBytes(b)), b, nil)
			}
			s.put(t, manifest(name), config, nil)
		},
		Remove: func(t testing.TB, _ string, d digest.Digest) { s.remove(t, layer(d)) },
		Replace: func(t testing.TB, name string, d digest.Digest, raw []byte) {
			if now, meta := s.get(t, manifest(name)); digest.FromBytes(now) == d {
				s.put(t, manifest(name), raw, meta)
				return
			}
			s.put(t, layer(d), raw, nil)
		},
		Root: func(t testing.TB, name string) digest.Digest {
			if raw, _ := s.get(t, manifest(name)); raw != nil {
				return digest.FromBytes(raw)
			}
			return ""
		},
	})
}
