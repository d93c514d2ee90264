package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
)

// route says which requests a component answers: those for a host, for paths that begin with a prefix, or both.
type route struct {
	// host is without a port, in lower case; "" is any.
	host string
	// prefix begins with a slash and does not end with one; "" is any.
	prefix string
	// path is the component's file.
	path string
}

// String returns the route as it is written.
func (r route) String() string { return r.host + r.prefix + "=" + r.path }

// setRoute does --route [HOST][/PREFIX]=COMPONENT.
func setRoute(s *settings, text string) error {
	pattern, path, ok := strings.Cut(text, "=")
	if !ok || path == "" {
		return errors.New("it has to be [HOST][/PREFIX]=COMPONENT")
	}
	host, prefix, _ := strings.Cut(pattern, "/")
	if strings.ContainsAny(pattern, "?#* \t") || strings.Contains(host, ":") && net.ParseIP(strings.Trim(host, "[]")) == nil {
		return fmt.Errorf("'%s' is no host without a port, no prefix of paths, and not both", pattern)
	}
	r := route{host: canonicalHost(host), path: path}
	if prefix = strings.TrimRight(prefix, "/"); prefix != "" {
		r.prefix = "/" + prefix
	}
	return s.serve.addRoute(r)
}

// addRoute adds a route, of which there must be no other.
func (s *serveSettings) addRoute(r route) error {
	for _, other := range s.routes {
		if other.host == r.host && other.prefix == r.prefix {
			return fmt.Errorf("'%s%s/' goes to '%s' already", r.host, r.prefix, other.path)
		}
	}
	s.routes = append(s.routes, r)
	return nil
}

// canonicalHost is a request's host without what makes no difference.
func canonicalHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// router finds who answers a request: of those whose route fits, the one for its host before those for any, and then
// the one with the longest prefix.
type router struct {
	sites []*site
	// access is where requests are logged that nobody answers; nil is nowhere.
	access *slog.Logger
}

// ServeHTTP hands the request on as it came, with its whole path.
func (r router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	host := canonicalHost(request.Host)
	var found *site
	for _, s := range r.sites {
		if s.route.fits(host, request.URL.Path) && (found == nil || s.route.before(found.route)) {
			found = s
		}
	}
	if found == nil {
		if r.access != nil {
			r.access.Info("request", "method", request.Method, "host", request.Host, "path", request.URL.Path,
				"status", http.StatusNotFound, "remote", request.RemoteAddr)
		}
		http.Error(w, "no component is served here", http.StatusNotFound)
		return
	}
	found.ServeHTTP(w, request)
}

// fits tells whether the route is for a host and a path. A prefix is made of whole segments.
func (r route) fits(host, path string) bool {
	if r.host != "" && r.host != host {
		return false
	}
	rest, ok := strings.CutPrefix(path, r.prefix)
	return ok && (r.prefix == "" || rest == "" || rest[0] == '/')
}

// before tells whether the route is looked at before another one that fits as well.
func (r route) before(other route) bool {
	if (r.host == "") != (other.host == "") {
		return r.host != ""
	}
	return len(r.prefix) > len(other.prefix)
}
