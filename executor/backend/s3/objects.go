package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

// object is what an answer says of an object.
func object(size *int64, tag *string, modified *time.Time, meta map[string]string) bucket.Object {
	o := bucket.Object{Size: -1, Tag: aws.ToString(tag), Modified: aws.ToTime(modified), Meta: map[string]string{}}
	if size != nil {
		o.Size = *size
	}
	for k, v := range meta {
		o.Meta[strings.ToLower(k)] = v
	}
	return o
}

// Stat looks at an object.
func (s *service) Stat(ctx context.Context, key string) (bucket.Object, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return bucket.Object{}, err
	}
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.set.bucket, Key: &key})
	if err != nil {
		return bucket.Object{}, explain(err)
	}
	return object(head.ContentLength, head.ETag, head.LastModified, head.Metadata), nil
}

// Get opens an object.
func (s *service) Get(ctx context.Context, key string, from int64, tag string) (io.ReadCloser, bucket.Object, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, bucket.Object{}, err
	}
	in := &s3.GetObjectInput{Bucket: &s.set.bucket, Key: &key}
	if tag != "" {
		in.IfMatch = &tag
	}
	if from > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	out, err := c.GetObject(ctx, in)
	if err != nil {
		return nil, bucket.Object{}, explain(err)
	}
	if from > 0 && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", from)) {
		_ = out.Body.Close()
		return nil, bucket.Object{}, fmt.Errorf("the service does not serve parts of %s", key)
	}
	return out.Body, object(out.ContentLength, out.ETag, out.LastModified, out.Metadata), nil
}

// Put writes a small object.
func (s *service) Put(ctx context.Context, key string, body []byte, meta map[string]string, cond *bucket.Condition) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{Bucket: &s.set.bucket, Key: &key, Body: bytes.NewReader(body), Metadata: meta}
	switch {
	case cond == nil:
	case cond.Tag == "":
		in.IfNoneMatch = aws.String("*")
	default:
		in.IfMatch = &cond.Tag
	}
	_, err = c.PutObject(ctx, in)
	if cond != nil && status(err, http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotFound) {
		return bucket.ErrCondition
	}
	return explain(err)
}

// probeName is what is written, if at all, to see whether conditions are heeded.
const probeName = ".cachectl-probe"

// Conditional writes an object on a condition that cannot hold. A service that does so all the same heeds none.
func (s *service) Conditional(ctx context.Context) (bool, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return false, err
	}
	key := s.ManifestKey(probeName)
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.set.bucket, Key: &key, Body: bytes.NewReader(nil), IfMatch: aws.String(`"0"`)})
	switch {
	case err == nil:
		_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.set.bucket, Key: &key})
		if status(err, http.StatusForbidden) {
			err = nil // it stays, empty
		}
		return false, explain(err)
	case status(err, http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotFound):
		return true, nil
	case status(err, http.StatusNotImplemented, http.StatusBadRequest, http.StatusForbidden):
		return false, nil
	}
	return false, explain(err)
}

// Check opens an upload and gives it up.
func (s *service) Check(ctx context.Context) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	key := s.ManifestKey(probeName)
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.set.bucket, Key: &key})
	if err != nil {
		return explain(err)
	}
	abort(ctx, c, &s.set.bucket, &key, up.UploadId)
	return nil
}
