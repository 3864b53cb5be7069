// Package gha reads and publishes caches in the cache service of GitHub Actions, in both of its versions, as BuildKit's gha cache backend
// keeps them.
//
// The service holds entries: bytes under a key, in the scope of a branch or pull request, that are never changed once they are there. A layer is
// the entry buildkit-blob-1-<digest>. The cache itself is a config without a manifest; as it does change, it is a series of entries,
// index-<scope>-1-<hash of the branch>#<number>, of which the newest counts. A token says which branches may be read, and which one is written.
// A source is what all of them hold, as it is for BuildKit; a destination is what the branch that is written holds.
//
// A key can be reserved once. That is what keeps two writers from taking the same number: the one who comes second finds the key taken and is
// told so (backend.ErrConflict). On servers that let a key be reserved twice, as that of nektos/act, writers look for each
// other before and after (Settle). A reservation cannot be given back, so a layer is complete and verified before its key is reserved.
//
// BuildKit can sign the config and ask for signatures (buildkitd.toml, cache.gha); those caches have keys of their own and are left alone.
package gha
