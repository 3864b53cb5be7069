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
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/bucket/buckettest"
	"github.com/cachectl/cachectl/executor/backend/s3"
	"github.com/cachectl/cachectl/internal/testenv"
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

func (s side) Put(t testing.TB, key string, body []byte, meta map[string]string) {
	t.Helper()
	if _, err := s.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: bytes.NewReader(body), Metadata: meta}); err != nil {
		t.Fatal(err)
	}
}

// Get reads an object; nil if it is not there.
func (s side) Get(t testing.TB, key string) (body []byte, meta map[string]string) {
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

func (s side) Remove(t testing.TB, key string) {
	t.Helper()
	if _, err := s.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &s.Bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
}

// Keys lists the bucket.
func (s side) Keys(t testing.TB) []string {
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

// Open opens a destination in the bucket.
func (s side) Open(t testing.TB, stores *bucket.Stores, attrs map[string]string) *bucket.Location {
	t.Helper()
	all := s.Attrs()
	maps.Copy(all, attrs)
	l, err := s3.OpenDestination(config.Cache{Type: "s3", Attrs: all}, stores)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// servers are what speaks S3 here.
var servers = map[string]func(testing.TB) *testenv.S3{"versitygw": testenv.StartS3, "MinIO": testenv.StartMinIO}

func TestABucketKeepsThePromisesOfABackend(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) { backendtest.Run(t, buckettest.Harness(aside(start(t)))) })
	}
}
