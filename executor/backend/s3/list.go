package s3

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

// Prefix is the attribute.
func (s *service) Prefix() string { return s.set.prefix }

// List lists objects, page by page.
func (s *service) List(ctx context.Context, prefix string, fn func(key string, obj bucket.Object) error) error {
	return s.pages(ctx, &s3.ListObjectsV2Input{Bucket: &s.set.bucket, Prefix: &prefix}, func(page *s3.ListObjectsV2Output) error {
		for _, o := range page.Contents {
			if err := fn(aws.ToString(o.Key), object(o.Size, o.ETag, o.LastModified, nil)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Below lists what stands directly below a prefix.
func (s *service) Below(ctx context.Context, prefix string, fn func(key string) error) error {
	return s.pages(ctx, &s3.ListObjectsV2Input{Bucket: &s.set.bucket, Prefix: &prefix, Delimiter: aws.String("/")}, func(page *s3.ListObjectsV2Output) error {
		for _, p := range page.CommonPrefixes {
			if err := fn(aws.ToString(p.Prefix)); err != nil {
				return err
			}
		}
		for _, o := range page.Contents {
			if err := fn(aws.ToString(o.Key)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *service) pages(ctx context.Context, in *s3.ListObjectsV2Input, fn func(*s3.ListObjectsV2Output) error) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	for pages := s3.NewListObjectsV2Paginator(c, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explain(err)
		}
		if err := fn(page); err != nil {
			return err
		}
	}
	return nil
}

// Delete deletes an object. Services that do not know conditions here delete it all the same; one that refuses them is asked without.
func (s *service) Delete(ctx context.Context, key string, obj bucket.Object) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	in := &s3.DeleteObjectInput{Bucket: &s.set.bucket, Key: &key}
	if obj.Tag != "" {
		in.IfMatch = &obj.Tag
	}
	_, err = c.DeleteObject(ctx, in)
	if in.IfMatch != nil && status(err, http.StatusNotImplemented, http.StatusBadRequest) {
		in.IfMatch = nil
		_, err = c.DeleteObject(ctx, in)
	}
	if status(err, http.StatusPreconditionFailed, http.StatusConflict) {
		return bucket.ErrCondition
	}
	return explain(err)
}
