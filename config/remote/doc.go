// Package remote fetches files of a configuration that lie in a git repository or behind an HTTP address, within limits of size and time.
//
// It returns bytes and says how a build names the same place; it parses nothing. What a fetched definition may touch on this machine is the business
// of package config.
package remote
