// Package buckettest holds the tests that every service with buckets passes, against a real one; the promises of backends at large are in backendtest.
package buckettest
