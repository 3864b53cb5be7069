package azblob

import (
	"context"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	digest "github.com/opencontainers/go-digest"
)

const (
	// answerTime is how long the service may take to begin an answer, partTime how long one attempt to send a part may take.
	answerTime = 5 * time.Minute
	partTime   = 10 * time.Minute
)

// service is one container. It is a bucket.Service.
type service struct {
	set settings

	connecting sync.Mutex
	client     *container.Client
	made       bool
}

// BlobKey is where a layer is (BuildKit: blobKey).
func (s *service) BlobKey(d digest.Digest) string {
	return path.Join(s.set.prefix, s.set.blobsPrefix, d.String())
}

// ManifestKey is where a name is (BuildKit: manifestKey).
func (s *service) ManifestKey(name string) string {
	return path.Join(s.set.prefix, s.set.manifestsPrefix, name)
}

// connect sets the client up as BuildKit does (createContainerClient): with the account's key or, without one, the identity that Azure's tools
// would use.
func (s *service) connect() (*container.Client, error) {
	s.connecting.Lock()
	defer s.connecting.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's
	transport.ResponseHeaderTimeout = answerTime
	options := &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{TryTimeout: partTime},
	}}
	client, err := s.newClient(options)
	if err != nil {
		return nil, err
	}
	s.client = client.ServiceClient().NewContainerClient(s.set.container)
	return s.client, nil
}

func (s *service) newClient(options *azblob.ClientOptions) (*azblob.Client, error) {
	if s.set.key != "" {
		key, err := azblob.NewSharedKeyCredential(s.set.accountName, s.set.key)
		if err != nil {
			return nil, errKey
		}
		return azblob.NewClientWithSharedKeyCredential(s.set.accountURL, key, options)
	}
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, noIdentity(err)
	}
	return azblob.NewClient(s.set.accountURL, identity, options)
}

// writable is the client of a container that is made if it is missing. Who may write into it and not look at it finds out when writing.
func (s *service) writable(ctx context.Context) (*container.Client, error) {
	c, err := s.connect()
	if err != nil {
		return nil, err
	}
	s.connecting.Lock()
	defer s.connecting.Unlock()
	if s.made {
		return c, nil
	}
	_, err = c.GetProperties(ctx, nil)
	if bloberror.HasCode(err, bloberror.ContainerNotFound) {
		if _, err = c.Create(ctx, nil); bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
			err = nil
		}
	} else if denied(err) {
		err = nil
	}
	if err != nil {
		return nil, explain(err)
	}
	s.made = true
	return c, nil
}
