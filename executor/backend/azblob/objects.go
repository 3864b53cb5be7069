package azblob

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

// object is what an answer says of a blob.
func object(size *int64, tag *azcore.ETag, modified *time.Time, meta map[string]*string) bucket.Object {
	o := bucket.Object{Size: -1, Meta: map[string]string{}}
	if size != nil {
		o.Size = *size
	}
	if tag != nil {
		o.Tag = string(*tag)
	}
	if modified != nil {
		o.Modified = *modified
	}
	for k, v := range meta {
		if v != nil {
			o.Meta[strings.ToLower(k)] = *v // they arrive as headers, in other letters than they were sent
		}
	}
	return o
}

// Stat looks at a blob.
func (s *service) Stat(ctx context.Context, key string) (bucket.Object, error) {
	c, err := s.connect()
	if err != nil {
		return bucket.Object{}, err
	}
	p, err := c.NewBlobClient(key).GetProperties(ctx, nil)
	if err != nil {
		return bucket.Object{}, explain(err)
	}
	return object(p.ContentLength, p.ETag, p.LastModified, p.Metadata), nil
}

// Get opens a blob.
func (s *service) Get(ctx context.Context, key string, from int64, tag string) (io.ReadCloser, bucket.Object, error) {
	c, err := s.connect()
	if err != nil {
		return nil, bucket.Object{}, err
	}
	options := &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: from}}
	if tag != "" {
		options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: to.Ptr(azcore.ETag(tag))}}
	}
	out, err := c.NewBlobClient(key).DownloadStream(ctx, options)
	if err != nil {
		return nil, bucket.Object{}, explain(err)
	}
	if from > 0 && (out.ContentRange == nil || !strings.HasPrefix(*out.ContentRange, fmt.Sprintf("bytes %d-", from))) {
		_ = out.Body.Close()
		return nil, bucket.Object{}, fmt.Errorf("the service does not serve parts of %s", key)
	}
	return out.Body, object(out.ContentLength, out.ETag, out.LastModified, out.Metadata), nil
}

// Put writes a small blob.
func (s *service) Put(ctx context.Context, key string, body []byte, meta map[string]string, cond *bucket.Condition) error {
	c, err := s.writable(ctx)
	if err != nil {
		return err
	}
	options := &blockblob.UploadOptions{Metadata: map[string]*string{}}
	for k, v := range meta {
		options.Metadata[k] = &v
	}
	if cond != nil {
		m := &blob.ModifiedAccessConditions{}
		if cond.Tag == "" {
			m.IfNoneMatch = to.Ptr(azcore.ETagAny)
		} else {
			m.IfMatch = to.Ptr(azcore.ETag(cond.Tag))
		}
		options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: m}
	}
	_, err = c.NewBlockBlobClient(key).Upload(ctx, streaming.NopCloser(bytes.NewReader(body)), options)
	if cond != nil && bloberror.HasCode(err, bloberror.ConditionNotMet, bloberror.BlobAlreadyExists, bloberror.BlobNotFound) {
		return bucket.ErrCondition
	}
	return explain(err)
}

// Conditional is always true.
func (s *service) Conditional(context.Context) (bool, error) { return true, nil }

// Check makes the container if it is missing, and sends a block that is never made a blob: Azure drops it after a week.
func (s *service) Check(ctx context.Context) error {
	c, err := s.writable(ctx)
	if err != nil {
		return err
	}
	_, err = c.NewBlockBlobClient(s.ManifestKey(".cachectl-probe")).StageBlock(ctx, newBlocks().id(0), streaming.NopCloser(strings.NewReader("x")), nil)
	return explain(err)
}
