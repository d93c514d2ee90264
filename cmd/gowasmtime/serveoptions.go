package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"
)

// serveSettings is what the arguments say that serve alone has.
type serveSettings struct {
	routes []route
	// address is where requests come, and a connection to shutdownAddress ends the server; "" is none of it.
	address, shutdownAddress string
	// headers replace those of the same names in each request.
	headers http.Header

	// reuseCount is for how many requests an instance is used, and idleTimeout how long it waits for the next one.
	reuseCount  uint64
	idleTimeout time.Duration
	// What there may be at once.
	maxRequests, maxConnections uint64

	// noPrefix leaves out what says which instance has printed a line.
	noPrefix bool
	// noWatch leaves changes of files alone.
	noWatch   bool
	accessLog bool
	jsonLog   bool
}

// serveOptions are the options of serve.
func serveOptions() []option {
	return slices.Concat([]option{
		{long: "addr", value: "ADDRESS", help: "Listen on HOST:PORT or unix:PATH; 0.0.0.0:8080 by default", set: setAddress(func(s *settings) *string { return &s.serve.address })},
		{long: "shutdown-addr", value: "ADDRESS", help: "Shut down when somebody connects to this address", set: setAddress(func(s *settings) *string { return &s.serve.shutdownAddress })},
		{long: "route", value: "[HOST][/PREFIX]=COMPONENT", repeats: true, help: "Let another component answer a host, or paths with a prefix", set: setRoute},
		{long: "header", short: "H", value: "NAME:VALUE", repeats: true, help: "Replace a header of all requests; @FILE has one a line", set: setHeader},
		{long: "max-instance-reuse-count", value: "N", help: "Use an instance for N requests, one after the other; 1 by default", set: setCount(func(s *settings) *uint64 { return &s.serve.reuseCount })},
		{long: "max-instance-concurrent-reuse-count", value: "N", help: "Without effect: an instance has one request at a time", set: setCount(func(*settings) *uint64 { return new(uint64) })},
		{long: "idle-instance-timeout", value: "N|Ns|Nms|..", help: "Keep an instance so long for the next request; 1s by default", set: setIdleTimeout},
		{long: "max-concurrent-requests", value: "N", help: "Have N requests to a component at once; others wait; 1000 by default", set: setCount(func(s *settings) *uint64 { return &s.serve.maxRequests })},
		{long: "max-concurrent-connections", value: "N", help: "Have N connections at once; others wait; 1000 by default", set: setCount(func(s *settings) *uint64 { return &s.serve.maxConnections })},
		{long: "no-logging-prefix", help: "Print what guests print as it is, without 'stdout [INSTANCE] :: '", set: func(s *settings, _ string) error {
			s.serve.noPrefix = true
			return nil
		}},
		{long: "no-watch", help: "Read components again only on SIGHUP, not when their files change", set: func(s *settings, _ string) error {
			s.serve.noWatch = true
			return nil
		}},
		{long: "access-log", help: "Log each request", set: func(s *settings, _ string) error {
			s.serve.accessLog = true
			return nil
		}},
		{long: "log-format", value: "text|json", help: "How the log on standard error is written", set: setLogFormat},
	}, givenOptions(), observeOptions(), loadOptions())
}

// setDefaults fills in what was not given.
func (s *serveSettings) setDefaults() {
	if s.address == "" {
		s.address = "0.0.0.0:8080"
	}
	for _, n := range []struct {
		to *uint64
		is uint64
	}{{&s.reuseCount, 1}, {&s.maxRequests, 1000}, {&s.maxConnections, 1000}} {
		if *n.to == 0 {
			*n.to = n.is
		}
	}
	if s.idleTimeout == 0 {
		s.idleTimeout = time.Second
	}
}

// setAddress does an option with an address to listen on.
func setAddress(to func(*settings) *string) func(*settings, string) error {
	return func(s *settings, address string) error {
		if _, _, err := net.SplitHostPort(address); err != nil && !strings.HasPrefix(address, "unix:") {
			return errors.New("it has to be HOST:PORT or unix:PATH")
		}
		*to(s) = address
		return nil
	}
}

// listen listens at an address of the options.
func (s *serveSettings) listen(address string) (net.Listener, error) {
	l, err := listener{address: address}.open()
	return l, failed(err, "failed to listen on '%s'", address)
}

// setCount does an option with a number that is not zero.
func setCount(to func(*settings) *uint64) func(*settings, string) error {
	return func(s *settings, text string) error {
		n, err := value{text: text, given: true}.number()
		if err != nil || n == 0 || n > 1<<31-1 {
			return errors.New("it has to be a number from 1 on")
		}
		*to(s) = n
		return nil
	}
}

// setIdleTimeout does --idle-instance-timeout.
func setIdleTimeout(s *settings, text string) (err error) {
	s.serve.idleTimeout, err = value{text: text, given: true}.duration()
	if s.serve.idleTimeout == 0 {
		s.serve.idleTimeout = time.Nanosecond // zero is none that was given
	}
	return err
}

// setLogFormat does --log-format.
func setLogFormat(s *settings, format string) error {
	if format != "text" && format != "json" {
		return errors.New("it has to be text or json")
	}
	s.serve.jsonLog = format == "json"
	return nil
}

// logger writes to standard error.
func (s *serveSettings) logger(stderr io.Writer) *slog.Logger {
	if s.jsonLog {
		return slog.New(slog.NewJSONHandler(stderr, nil))
	}
	return slog.New(slog.NewTextHandler(stderr, nil))
}

// setHeader does --header NAME:VALUE and --header @FILE.
func setHeader(s *settings, text string) error {
	lines := []string{text}
	if path, ok := strings.CutPrefix(text, "@"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			return reason(err)
		}
		lines = slices.Collect(strings.Lines(string(content)))
	}
	for _, line := range lines {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, err := parseHeader(line)
		if err != nil {
			return err
		}
		if s.serve.headers == nil {
			s.serve.headers = http.Header{}
		}
		s.serve.headers.Add(name, value)
	}
	return nil
}

// parseHeader reads NAME:VALUE.
func parseHeader(line string) (name, value string, err error) {
	wrong := fmt.Errorf("'%s' is no header: it has to be NAME:VALUE", shortened(line))
	if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return "", "", wrong
	}
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(line + "\r\n\r\n"))).ReadMIMEHeader()
	if err != nil || len(header) != 1 {
		return "", "", wrong
	}
	for name, values := range header {
		if !strings.Contains(name, " ") { // which package textproto lets pass
			return name, values[0], nil
		}
	}
	return "", "", wrong
}

// applyHeaders gives a request the headers of the options, in place of its own of the same names.
func (s *serveSettings) applyHeaders(r *http.Request) {
	for name, values := range s.headers {
		if name == "Host" { // which net/http keeps apart
			r.Host = values[0]
			continue
		}
		r.Header[name] = slices.Clone(values)
	}
}
