package wire

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 5

// Redirects decides for an http.Client which redirections are followed: a few, and of those the ones that CheckHop lets pass. who is the server in errors,
// such as "the registry".
func Redirects(who string) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return CheckHop(who, via[len(via)-1].URL, req.URL)
	}
}

// CheckHop tells whether a server may send us from one address to another: never to one without TLS from one with it, and not to places that
// only this machine can reach, unless the server is such a place itself.
func CheckHop(who string, from, to *url.URL) error {
	if to.Scheme != "http" && to.Scheme != "https" {
		return fmt.Errorf("%s sends us to a %q address", who, to.Scheme)
	}
	if from.Scheme == "https" && to.Scheme == "http" {
		return fmt.Errorf("%s sends us from https to http at %s", who, to.Host)
	}
	if from.Host == to.Host {
		return nil
	}
	ip := net.ParseIP(to.Hostname())
	inner := ip != nil && (ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast())
	if inner || (Loopback(to.Host) && !Loopback(from.Host)) {
		return fmt.Errorf("%s sends us to %s, which only this machine can reach", who, to.Host)
	}
	return nil
}

// Loopback tells whether host[:port] is this machine.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = strings.Trim(addr, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}
