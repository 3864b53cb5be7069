package s3

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

// maxCopy is the largest object that S3 copies at once, in bytes; larger ones are copied in pieces of it.
const maxCopy = 5 << 30

// Renew copies an object onto itself, as BuildKit does (touch).
func (s *service) Renew(ctx context.Context, key string, obj bucket.Object) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	source := (&url.URL{Path: s.set.bucket + "/" + key}).EscapedPath()
	meta := map[string]string{"updated-at": time.Now().UTC().Format(time.RFC3339)}
	maps.Copy(meta, obj.Meta)
	if obj.Size >= maxCopy {
		return s.renewParts(ctx, c, key, source, obj.Size, meta)
	}
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &s.set.bucket, Key: &key, CopySource: &source, Metadata: meta, MetadataDirective: types.MetadataDirectiveReplace,
	})
	return explain(err)
}

func (s *service) renewParts(ctx context.Context, c *s3.Client, key, source string, size int64, meta map[string]string) (err error) {
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.set.bucket, Key: &key, Metadata: meta})
	if err != nil {
		return explain(err)
	}
	var parts []types.CompletedPart
	for at := int64(0); at < size && err == nil; at += maxCopy {
		number := aws.Int32(int32(len(parts) + 1))
		piece := fmt.Sprintf("bytes=%d-%d", at, min(at+maxCopy, size)-1)
		var out *s3.UploadPartCopyOutput
		out, err = c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket: &s.set.bucket, Key: &key, CopySource: &source, CopySourceRange: &piece, PartNumber: number, UploadId: up.UploadId,
		})
		if err == nil {
			parts = append(parts, types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: number})
		}
	}
	if err == nil {
		_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &s.set.bucket, Key: &key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
	}
	if err != nil {
		abort(ctx, c, &s.set.bucket, &key, up.UploadId)
	}
	return explain(err)
}
