package azblob

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

// Renew writes a blob's metadata, which makes it as young as if it had been written.
func (s *service) Renew(ctx context.Context, key string, obj bucket.Object) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	meta := map[string]*string{"updatedat": to.Ptr(time.Now().UTC().Format(time.RFC3339))}
	for k, v := range obj.Meta {
		if k != "updatedat" {
			meta[k] = &v
		}
	}
	options := &blob.SetMetadataOptions{}
	if obj.Tag != "" {
		options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: to.Ptr(azcore.ETag(obj.Tag))}}
	}
	_, err = c.NewBlobClient(key).SetMetadata(ctx, meta, options)
	if bloberror.HasCode(err, bloberror.ConditionNotMet) {
		return nil // somebody else has written it, which made it young
	}
	return explain(err)
}
