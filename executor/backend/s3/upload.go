package s3

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

const (
	// maxParts is how many parts S3 takes.
	maxParts = 10_000
	// partTime is how long one part may take, with all its attempts.
	partTime = 10 * time.Minute
	// abortTime is how long giving an upload up may take.
	abortTime = 10 * time.Second
)

// Upload writes an object in parts, each of which is tried again by itself. They become an object when r has ended well.
func (s *service) Upload(ctx context.Context, key string, size int64, r io.Reader) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	if size <= bucket.PartSize {
		return bucket.Whole(r, size, func(body []byte) error {
			ctx, cancel := context.WithTimeout(ctx, partTime)
			defer cancel()
			_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.set.bucket, Key: &key, Body: bytes.NewReader(body)})
			return explain(err)
		})
	}
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.set.bucket, Key: &key})
	if err != nil {
		return explain(err)
	}
	if err := s.uploadParts(ctx, c, key, up.UploadId, size, r); err != nil {
		abort(ctx, c, &s.set.bucket, &key, up.UploadId)
		return err
	}
	return nil
}

func (s *service) uploadParts(ctx context.Context, c *s3.Client, key string, id *string, size int64, r io.Reader) error {
	var tags [maxParts]*string
	count, err := bucket.Parts(ctx, r, size, maxParts, func(ctx context.Context, i int, body []byte) error {
		ctx, cancel := context.WithTimeout(ctx, partTime)
		defer cancel()
		out, err := c.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &s.set.bucket, Key: &key, UploadId: id, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(body),
		})
		if err == nil {
			tags[i] = out.ETag
		}
		return explain(err)
	})
	if err != nil {
		return err
	}
	parts := make([]types.CompletedPart, count)
	for i := range parts {
		parts[i] = types.CompletedPart{ETag: tags[i], PartNumber: aws.Int32(int32(i + 1))}
	}
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.set.bucket, Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return explain(err)
}

// abort gives an upload up, whatever ctx says. What stays of it cannot be seen.
func abort(ctx context.Context, c *s3.Client, bucket, key, id *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, _ = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id})
}
