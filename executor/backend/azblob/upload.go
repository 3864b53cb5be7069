package azblob

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/cachectl/cachectl/executor/backend/bucket"
)

// maxBlocks is how many blocks Azure takes for one blob.
const maxBlocks = 50_000

// blocks are the names of one upload's blocks. All of a blob must be equally long, and those of two uploads of one blob must not be equal.
type blocks string

func newBlocks() blocks { return blocks(rand.Text()) }

func (b blocks) id(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s-%05d", string(b), number))
}

// Upload writes a blob in blocks, each of which is tried again by itself. They become a blob when r has ended well; the client's own
// UploadStream may make one of a short layer before.
func (s *service) Upload(ctx context.Context, key string, size int64, r io.Reader) error {
	c, err := s.writable(ctx)
	if err != nil {
		return err
	}
	to := c.NewBlockBlobClient(key)
	if size <= bucket.PartSize {
		return bucket.Whole(r, size, func(body []byte) error {
			_, err := to.Upload(ctx, streaming.NopCloser(bytes.NewReader(body)), nil)
			return explain(err)
		})
	}
	names := newBlocks()
	count, err := bucket.Parts(ctx, r, size, maxBlocks, func(ctx context.Context, i int, body []byte) error {
		_, err := to.StageBlock(ctx, names.id(i), streaming.NopCloser(bytes.NewReader(body)), nil)
		return explain(err)
	})
	if err != nil {
		return err // Azure drops the blocks after a week
	}
	list := make([]string, count)
	for i := range list {
		list[i] = names.id(i)
	}
	_, err = to.CommitBlockList(ctx, list, nil)
	if bloberror.HasCode(err, bloberror.InvalidBlockList) {
		// Somebody else has made the same blob meanwhile, which drops the blocks of all others.
		if obj, statErr := s.Stat(ctx, key); statErr == nil && obj.Size == size {
			return nil
		}
	}
	return explain(err)
}
