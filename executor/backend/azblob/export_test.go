package azblob

import "github.com/cachectl/cachectl/executor/backend/bucket"

// Service is the service of an account's key and a container.
func Service(attrs map[string]string) bucket.Service {
	return &service{set: settings{
		accountURL: attrs["account_url"], accountName: attrs["account_name"], container: attrs["container"], key: attrs["secret_access_key"],
		blobsPrefix: "blobs", manifestsPrefix: "manifests",
	}}
}
