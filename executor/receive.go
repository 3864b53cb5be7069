package executor

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/build"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// receiver takes the layers that BuildKit exports for one target and compresses each once for all destinations while it comes in. What is
// complete goes on to destinations while the next comes in.
type receiver struct {
	run *run
	// wants are the compressions that the target's destinations ask for.
	wants []blob.Compression
	// early are the destinations that every layer is sure to go to.
	early []*publisher
	bytes atomic.Int64
	// failure is why a layer could not be kept. The builder says of it only that its export was refused.
	failure atomic.Pointer[error]
}

// failed notes why a layer could not be kept.
func (rc *receiver) failed(err error) error {
	if err != nil {
		rc.failure.CompareAndSwap(nil, &err)
	}
	return err
}

// because is why a build failed: for what happened here rather than for what the builder makes of it.
func (rc *receiver) because(err error) error {
	if own := rc.failure.Load(); own != nil && err != nil {
		return fmt.Errorf("keep the layers that the builder hands over (TMPDIR says where): %w", *own)
	}
	return err
}

// Held answers that a layer need not be sent when the run can have it from elsewhere.
func (rc *receiver) Held(_ context.Context, dgst digest.Digest) (bool, error) {
	return rc.run.pool.holds(dgst), nil
}

// Receive opens a writer into the spool. It waits while another target hands the layer over, and returns nil when it has come in then.
func (rc *receiver) Receive(ctx context.Context, desc ocispec.Descriptor) (build.LayerWriter, error) {
	release, err := rc.run.uploads.acquire(ctx, "receive "+desc.Digest.String())
	if err != nil {
		return nil, err
	}
	if rc.run.pool.holds(desc.Digest) {
		release()
		return nil, nil
	}
	w, err := rc.run.spool.Ingest(desc, rc.wants)
	if err != nil {
		release()
		return nil, rc.failed(err)
	}
	return &layerWriter{receiver: rc, ingest: w, release: release}, nil
}

// layerWriter is one layer on its way into the spool.
type layerWriter struct {
	receiver *receiver
	ingest   *blob.Ingest
	release  func()
	n        int64
}

func (w *layerWriter) Write(p []byte) (int, error) {
	n, err := w.ingest.Write(p)
	w.n += int64(n)
	return n, w.receiver.failed(err)
}

// Commit verifies the layer, enters it into the pool in all its forms and lets it be pushed.
func (w *layerWriter) Commit(ctx context.Context) error {
	defer w.release()
	diffID, forms, err := w.ingest.Commit(ctx)
	if err != nil {
		return err
	}
	w.receiver.bytes.Add(w.n)
	for _, desc := range forms {
		w.receiver.run.pool.add(diffID, available{desc: desc, blobs: w.receiver.run.spool, fresh: true})
	}
	for _, p := range w.receiver.early {
		p.pushEarly(diffID)
	}
	return nil
}

// Abort drops the layer.
func (w *layerWriter) Abort() {
	defer w.release()
	w.ingest.Abort()
}
