// Package wire is what backends with an HTTP client of their own have in common: when a request is sent again and after what time, where a server may send
// us, when a transfer counts as standing still, and how much of a server's words is believed. It sends nothing itself, and knows no protocol.
package wire
