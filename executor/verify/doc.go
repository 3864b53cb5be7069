// Package verify checks whether what a location holds is a whole cache, says of everything that is not what is wrong with it, and repairs it.
//
// A shallow check reads manifest and config, which are compared with their digests, and asks for every layer's blob. A deep check reads every
// layer besides: its size, its digest, its compression and the digest of what it unpacks to. Repairing drops the results that cannot be used, or puts
// layers back that another cache has; it builds nothing.
package verify
