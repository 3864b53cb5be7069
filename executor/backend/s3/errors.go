package s3

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/cachectl/cachectl/executor/blob"
)

// status tells whether an error is an answer of one of these HTTP statuses.
func status(err error, codes ...int) bool {
	var answer *awshttp.ResponseError
	return errors.As(err, &answer) && slices.Contains(codes, answer.HTTPStatusCode())
}

// code is the service's own word for an error, "" for none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// explain puts an error into the terms that all backends share.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case code(err) == "NoSuchBucket":
		return fmt.Errorf("the bucket does not exist, or not in this region: %w", err)
	case status(err, http.StatusNotFound):
		return fmt.Errorf("%w: %w", blob.ErrNotFound, err)
	case status(err, http.StatusMovedPermanently, http.StatusTemporaryRedirect):
		return fmt.Errorf("the bucket is in another region: %w", err)
	case status(err, http.StatusUnauthorized, http.StatusForbidden):
		return fmt.Errorf("%w (S3 says so of objects that are not there too, to who may not list the bucket): %w", blob.ErrDenied, err)
	}
	return err
}

// noCredentials says that none were found.
func noCredentials(err error) error {
	return fmt.Errorf("%w: no credentials: set access_key_id and secret_access_key, or what AWS's tools use, such as AWS_PROFILE: %w", blob.ErrDenied, err)
}
