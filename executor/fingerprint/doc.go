// Package fingerprint gives a build target a digest over everything that decides its result, without a builder: two runs with the same
// fingerprint build the same thing.
//
// It runs BuildKit's own dockerfile frontend in this process. What comes out is the build graph that a builder would be given: stages that the
// result does not need, comments, and arguments that nothing uses are gone, and ONBUILD, here-documents, mounts and links are resolved. The
// fingerprint is the digest of that graph, in which each local directory is replaced by the digest of the files that would be sent from
// it, each base image by its digest, each Git reference by its commit, and each download by what its server says of it. What cannot be pinned makes a fingerprint
// unpinned; it is never guessed.
//
// It is not a cache key of BuildKit: it says whether anything changed, not which steps can be reused. It keeps no value of an argument,
// a variable or a secret, only short digests that tell that one has changed.
package fingerprint
