package s3

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	digest "github.com/opencontainers/go-digest"
)

// answerTime is how long the service may take to begin an answer. Copies inside it take longest.
const answerTime = 5 * time.Minute

// credentialsTime is how long it may take to renew credentials.
const credentialsTime = 20 * time.Second

// service is one bucket. It is a bucket.Service.
type service struct {
	set settings

	connecting sync.Mutex
	client     *s3.Client
	provider   aws.CredentialsProvider
}

func newService(set settings) *service { return &service{set: set} }

// BlobKey is where a layer is. Prefixes are put before it as they are (BuildKit: blobKey).
func (s *service) BlobKey(d digest.Digest) string {
	return s.set.prefix + s.set.blobsPrefix + d.String()
}

// ManifestKey is where a name is (BuildKit: manifestKey).
func (s *service) ManifestKey(name string) string { return s.set.prefix + s.set.manifestsPrefix + name }

// connect sets the client up as BuildKit does (newS3Client). Credentials that are not among the attributes come from where AWS's tools look for
// them: the environment, files, web identities, the machine.
func (s *service) connect(ctx context.Context) (*s3.Client, error) {
	s.connecting.Lock()
	defer s.connecting.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = answerTime })
	cfg, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithRegion(s.set.region),
		awsconfig.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		awsconfig.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
		awsconfig.WithLogger(logging.Nop{}),
		awsconfig.WithHTTPClient(client),
	)
	if err != nil {
		return nil, explain(err)
	}
	if s.set.accessKey != "" && s.set.secretKey != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(s.set.accessKey, s.set.secretKey, s.set.sessionToken)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, noCredentials(err)
	}
	s.provider = cfg.Credentials
	s.client = s3.NewFromConfig(cfg, s.options)
	return s.client, nil
}

func (s *service) options(o *s3.Options) {
	if s.set.endpoint != "" {
		o.UsePathStyle = s.set.pathStyle
		o.BaseEndpoint = aws.String(s.set.endpoint)
	}
	if s.set.retryMode != "" {
		o.RetryMode = aws.RetryMode(s.set.retryMode)
	}
	if s.set.retryMaxAttempts > 0 {
		o.RetryMaxAttempts = s.set.retryMaxAttempts
	}
	if s.set.disableAcceptEncoding {
		// Services that change Accept-Encoding on the way then find a signature that does not cover it (BuildKit issue 3749).
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			_, _ = stack.Finalize.Remove("DisableAcceptEncodingGzip")
			return nil
		})
	}
}

// credentials are the attributes of those that are used, renewed if they have expired; none before the bucket was asked for anything.
func (s *service) credentials() map[string]string {
	s.connecting.Lock()
	defer s.connecting.Unlock()
	if s.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), credentialsTime)
	defer cancel()
	used, err := s.provider.Retrieve(ctx)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for name, v := range map[string]string{
		"access_key_id": used.AccessKeyID, "secret_access_key": used.SecretAccessKey, "session_token": used.SessionToken,
	} {
		if v != "" {
			out[name] = v
		}
	}
	return out
}
