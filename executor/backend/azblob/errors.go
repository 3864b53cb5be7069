package azblob

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/cachectl/cachectl/executor/blob"
)

// answer is an answer of the service, in one line: the client's own text is a page.
type answer struct{ *azcore.ResponseError }

func (a answer) Error() string {
	text := fmt.Sprintf("Azure answers %d", a.StatusCode)
	if a.ErrorCode != "" {
		text += " " + a.ErrorCode
	}
	return text
}

// Unwrap returns the client's error.
func (a answer) Unwrap() error { return a.ResponseError }

// errKey says that a key is none. It does not show it.
var errKey = errors.New("secret_access_key is not the base64 text that Azure calls an access key")

func denied(err error) bool {
	return status(err, http.StatusUnauthorized, http.StatusForbidden)
}

func status(err error, codes ...int) bool {
	var e *azcore.ResponseError
	return errors.As(err, &e) && slices.Contains(codes, e.StatusCode)
}

// explain puts an error into the terms that all backends share.
func explain(err error) error {
	var e *azcore.ResponseError
	var auth *azidentity.AuthenticationFailedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &auth):
		return noIdentity(err)
	case !errors.As(err, &e):
		return err
	case e.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %w", blob.ErrNotFound, answer{e})
	case denied(err):
		return fmt.Errorf("%w: %w", blob.ErrDenied, answer{e})
	}
	return answer{e}
}

// noIdentity says that none was found.
func noIdentity(err error) error {
	return fmt.Errorf("%w: no identity for Azure: set secret_access_key, or what Azure's tools use, such as AZURE_CLIENT_ID: %w", blob.ErrDenied, err)
}
