// Package bucket keeps caches in object stores, in the layout that BuildKit's s3 and azblob backends have in common: an object for each layer,
// under its digest, and an object for each name, which holds a cache config whose layers describe themselves.
//
// It knows the layout and nothing of any service: packages s3 and azblob bring the Service and read the attributes.
package bucket
