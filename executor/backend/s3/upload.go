package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// partSize is how large the parts of an upload are, in bytes; what is no larger is sent as a whole. S3 takes at most maxParts.
	partSize = 8 << 20
	maxParts = 10_000
	// partsAtOnce is how many parts of one layer are under way; upload_parallelism says how many layers are.
	partsAtOnce = 2
	// partTime is how long one part may take, with all its attempts.
	partTime = 10 * time.Minute
	// abortTime is how long giving an upload up may take.
	abortTime = 10 * time.Second
)

// buffers are parts that are not in use.
var buffers = sync.Pool{New: func() any { b := make([]byte, partSize); return &b }}

// Upload writes an object in parts, each of which is tried again by itself. They become an object when r has ended well.
func (s *service) Upload(ctx context.Context, key string, size int64, r io.Reader) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	if size <= partSize {
		return s.uploadWhole(ctx, c, key, size, r)
	}
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.set.bucket, Key: &key})
	if err != nil {
		return explain(err)
	}
	parts, err := s.uploadParts(ctx, c, key, up.UploadId, size, r)
	if err == nil {
		_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &s.set.bucket, Key: &key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		err = explain(err)
	}
	if err != nil {
		abort(ctx, c, &s.set.bucket, &key, up.UploadId)
	}
	return err
}

func (s *service) uploadWhole(ctx context.Context, c *s3.Client, key string, size int64, r io.Reader) error {
	buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	defer buffers.Put(buf)
	body := (*buf)[:size]
	if _, err := io.ReadFull(r, body); err != nil {
		return fmt.Errorf("read what is to be uploaded: %w", err)
	}
	if err := atEnd(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.set.bucket, Key: &key, Body: bytes.NewReader(body)})
	return explain(err)
}

// uploadParts reads r to its end and sends it, and returns the parts in their order.
func (s *service) uploadParts(ctx context.Context, c *s3.Client, key string, id *string, size int64, r io.Reader) ([]types.CompletedPart, error) {
	length := max(int64(partSize), (size+maxParts-1)/maxParts)
	parts := make([]types.CompletedPart, (size+length-1)/length)
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	var readErr error
	for i := range parts {
		if gctx.Err() != nil {
			break
		}
		buf, release := part(min(length, size-int64(i)*length))
		if _, readErr = io.ReadFull(r, buf); readErr != nil {
			release()
			break
		}
		group.Go(func() error {
			defer release()
			tag, err := s.uploadPart(gctx, c, key, id, int32(i+1), buf)
			parts[i] = types.CompletedPart{ETag: tag, PartNumber: aws.Int32(int32(i + 1))}
			return err
		})
	}
	err := group.Wait()
	switch {
	case readErr != nil:
		return nil, fmt.Errorf("read what is to be uploaded: %w", readErr)
	case err != nil:
		return nil, err
	}
	return parts, atEnd(r)
}

// part is a buffer for a part and what gives it back.
func part(length int64) (buf []byte, release func()) {
	if length > partSize {
		return make([]byte, length), func() {}
	}
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	return (*b)[:length], func() { buffers.Put(b) }
}

func (s *service) uploadPart(ctx context.Context, c *s3.Client, key string, id *string, number int32, body []byte) (*string, error) {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	out, err := c.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.set.bucket, Key: &key, UploadId: id, PartNumber: &number, Body: bytes.NewReader(body),
	})
	if err != nil {
		return nil, explain(err)
	}
	return out.ETag, nil
}

// atEnd reads the end of r, which is where a layer of other bytes shows.
func atEnd(r io.Reader) error {
	var one [1]byte
	switch n, err := r.Read(one[:]); {
	case n > 0:
		return fmt.Errorf("there is more to upload than was said")
	case err != io.EOF:
		return err
	}
	return nil
}

// abort gives an upload up, whatever ctx says. What stays of it cannot be seen.
func abort(ctx context.Context, c *s3.Client, bucket, key, id *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, _ = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id})
}
