package azblob

import (
	"context"
	"path"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

// Prefix is the attribute, as a directory.
func (s *service) Prefix() string {
	if p := path.Join(s.set.prefix); p != "" {
		return p + "/"
	}
	return ""
}

// List lists blobs, page by page.
func (s *service) List(ctx context.Context, prefix string, fn func(key string, obj bucket.Object) error) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	for pages := c.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix}); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explain(err)
		}
		for _, b := range page.Segment.BlobItems {
			if b.Name == nil || b.Properties == nil {
				continue
			}
			if err := fn(*b.Name, object(b.Properties.ContentLength, b.Properties.ETag, b.Properties.LastModified, nil)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Below lists what stands directly below a prefix.
func (s *service) Below(ctx context.Context, prefix string, fn func(key string) error) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	for pages := c.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{Prefix: &prefix}); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explain(err)
		}
		var names []*string
		for _, p := range page.Segment.BlobPrefixes {
			names = append(names, p.Name)
		}
		for _, b := range page.Segment.BlobItems {
			names = append(names, b.Name)
		}
		for _, n := range names {
			if n == nil {
				continue
			}
			if err := fn(*n); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete deletes a blob.
func (s *service) Delete(ctx context.Context, key string, obj bucket.Object) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	options := &blob.DeleteOptions{}
	if obj.Tag != "" {
		options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: to.Ptr(azcore.ETag(obj.Tag))}}
	}
	_, err = c.NewBlobClient(key).Delete(ctx, options)
	if bloberror.HasCode(err, bloberror.ConditionNotMet) {
		return bucket.ErrCondition
	}
	return explain(err)
}
