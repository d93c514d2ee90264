package component

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// httpClient makes the requests of guests.
type httpClient struct {
	transport http.RoundTripper
	// hosts are what guests may ask, and networks the addresses that are not public and allowed nevertheless.
	hosts    []string
	networks []netip.Prefix
	tls      *tls.Config
	requests int
	observer HTTPObserver
}

// defaultRequests is how many requests a store may have on their way at once.
const defaultRequests = 128

func newHTTPClient() *httpClient { return &httpClient{requests: defaultRequests} }

// HTTPAllowHosts allows requests to hosts; without it, a guest's request fails with HTTP-request-denied. A host is a
// name or an address, example.com or [::1]; with a colon and a port it is allowed at that port only. *.example.com are
// all names below example.com, and * is every host. It may be given several times.
//
// Names that lead to addresses which are not public are refused nevertheless: see [HTTPAllowNetworks].
func HTTPAllowHosts(hosts ...string) HTTPOption {
	return func(o *httpOptions) error {
		for _, host := range hosts {
			if host == "" || strings.ContainsAny(host, "/ @") {
				return errorf(nil, "HTTPAllowHosts(%q): neither a host nor a host:port", host)
			}
			o.client.hosts = append(o.client.hosts, strings.ToLower(host))
		}
		return nil
	}
}

// HTTPAllowNetworks allows connections to addresses that are not public: of this machine, of private networks, and
// others that no host in the Internet has. Without it, they are refused with destination-IP-prohibited, whatever name
// has led there: the address is looked at when the connection is made, so that a name cannot change its meaning after
// it was checked. It is for the built-in transport only, and does not allow a host: see [HTTPAllowHosts].
func HTTPAllowNetworks(networks ...netip.Prefix) HTTPOption {
	return func(o *httpOptions) error {
		for _, network := range networks {
			if !network.IsValid() {
				return errorf(nil, "HTTPAllowNetworks: a prefix that is none")
			}
			o.client.networks = append(o.client.networks, network.Masked())
		}
		return nil
	}
}

// HTTPTransport makes requests through a RoundTripper of the program's, in place of one that is built in: for proxies,
// tests, or hosts that are Go code. The hosts are those of [HTTPAllowHosts] nevertheless; which addresses it connects
// to is its own business, and so is the guest's time-out for that. The context of a request is that of the guest's
// call, and ends when the guest lets go of the response. An error becomes the error-code that it is or wraps, see
// [HTTPErrorCode], or the one for what package net/http and those below it say. It must be safe for concurrent use.
func HTTPTransport(transport http.RoundTripper) HTTPOption {
	return func(o *httpOptions) error {
		if transport == nil {
			return errorf(nil, "HTTPTransport(nil)")
		}
		o.client.transport = transport
		return nil
	}
}

// HTTPClientTLS sets with what the built-in transport makes connections secure; it is cloned.
func HTTPClientTLS(config *tls.Config) HTTPOption {
	return func(o *httpOptions) error {
		o.client.tls = config.Clone()
		return nil
	}
}

// HTTPMaxRequests limits how many requests the guests of one store may have made whose responses they have not let go
// of, 128 otherwise. One more fails with connection-limit-reached.
func HTTPMaxRequests(n int) HTTPOption {
	return func(o *httpOptions) error {
		if n < 0 {
			return errorf(nil, "HTTPMaxRequests(%d)", n)
		}
		o.client.requests = n
		return nil
	}
}

// HTTPObserve has an observer hear of the requests that guests make. See also [WithObserver].
func HTTPObserve(observer HTTPObserver) HTTPOption {
	return func(o *httpOptions) error {
		o.client.observer = observer
		return nil
	}
}

// prepare makes the built-in transport if there is no other.
func (c *httpClient) prepare() error {
	if c.transport != nil {
		return nil
	}
	if c.tls == nil {
		c.tls = &tls.Config{}
	}
	if len(c.tls.NextProtos) == 0 {
		c.tls.NextProtos = []string{"h2", "http/1.1"}
	}
	const idle, perHost = 100, 16
	c.transport = &http.Transport{
		DialContext:            c.dial,
		DialTLSContext:         c.dialTLS,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    perHost,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 2 * defaultFieldSize,
	}
	return nil
}

// connectKey is where the context of a request has what its connection is made with.
type connectKey struct{}

// connection is what a connection is made with: the guest's time-out, and the context of the request. Package net/http
// connects with one that goes on when the request has ended, and guests could leave as many behind as they like.
type connection struct {
	timeout time.Duration
	request context.Context
}

// connecting is the context of a request, for the connection that it may need.
func connecting(ctx context.Context, timeout time.Duration) context.Context {
	return context.WithValue(ctx, connectKey{}, connection{timeout, ctx})
}

// connectionOf is what the context of a request has; an observer may have put another in its place.
func connectionOf(ctx context.Context) connection {
	if c, ok := ctx.Value(connectKey{}).(connection); ok {
		return c
	}
	return connection{defaultTimeout, ctx}
}

// defaultTimeout is upstream's for everything that a guest does not say, and tlsTimeout is for what no guest can say.
const (
	defaultTimeout = 600 * time.Second
	tlsTimeout     = 10 * time.Second
)

// errConnectTimeout says that a connection was not made in time.
var errConnectTimeout = code("connection-timeout")

// wanted is a context for a part of what makes a connection. It ends with the request, and after some time.
func (c connection) wanted(ctx context.Context, timeout time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errConnectTimeout)
	stop := context.AfterFunc(c.request, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// dial makes a connection, if the address is one that guests may reach.
func (c *httpClient) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection := connectionOf(ctx)
	ctx, done := connection.wanted(ctx, connection.timeout)
	defer done()
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error { return c.checkAddress(address) }}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil && context.Cause(ctx) == error(errConnectTimeout) {
		return nil, errConnectTimeout
	}
	return conn, err
}

// dialTLS makes a connection that is secure.
func (c *httpClient) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := c.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	ctx, done := connectionOf(ctx).wanted(ctx, tlsTimeout)
	defer done()
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if context.Cause(ctx) == error(errConnectTimeout) {
			return nil, errConnectTimeout
		}
		return nil, err
	}
	return secure, nil
}

// special are addresses that are not public, besides those that package netip knows: of this network, of carriers, for
// tests and documentation, of old transitions (which have others in them), and reserved ones.
var special = func() (all []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "::/8", "100::/64", "2001::/23",
		"2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// public tells whether an address is one of a host in the Internet.
func public(addr netip.Addr) bool {
	return addr.IsGlobalUnicast() && !addr.IsPrivate() &&
		!slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// checkAddress refuses an address to which a connection is about to be made.
func (c *httpClient) checkAddress(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return code("destination-IP-prohibited")
	}
	addr := at.Addr().Unmap().WithZone("")
	if public(addr) || slices.ContainsFunc(c.networks, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	return code("destination-IP-prohibited")
}

// allows tells whether a host may be asked.
func (c *httpClient) allows(u *url.URL) bool {
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return slices.ContainsFunc(c.hosts, func(allowed string) bool {
		name, at := allowed, ""
		if h, p, err := net.SplitHostPort(allowed); err == nil {
			name, at = h, p
		}
		name = strings.Trim(name, "[]")
		if at != "" && at != port {
			return false
		}
		suffix, below := strings.CutPrefix(name, "*")
		return name == host || below && (suffix == "" || strings.HasPrefix(suffix, ".") && strings.HasSuffix(host, suffix))
	})
}

// requestOptions is the resource request-options: time-outs in nanoseconds.
type requestOptions struct{ connect, firstByte, betweenBytes Option[uint64] }

// timeout is a time-out as Go has it.
func timeout(nanoseconds Option[uint64]) time.Duration {
	d := time.Duration(min(nanoseconds.Or(uint64(defaultTimeout)), uint64(1<<62)))
	return max(d, 1)
}

// outgoingRequest is the resource outgoing-request.
type outgoingRequest struct {
	of              *httpStore
	headers         *fields
	method          Variant
	path, authority Option[string]
	scheme          Option[Variant]
	body            *outgoingBody
	// texts is what the texts count for.
	texts int
}

// Close hears that the guest has dropped the request, or given it away.
func (r *outgoingRequest) Close() {
	r.headers.Close()
	r.of.take(-r.texts)
	r.texts = 0
}

// longestText is how long a part of a request may be.
const longestText = 1<<16 - 2

// takes tells whether a text may come to those of the request. What it replaces counts as well.
func (r *outgoingRequest) takes(text string) bool {
	if len(text) > longestText || !r.of.take(len(text)) {
		return false
	}
	r.texts += len(text)
	return true
}

// newBody is body: func() -> result<outgoing-body>
func (r *outgoingRequest) newBody() Result[*outgoingBody, struct{}] {
	if r.body != nil {
		return Err[*outgoingBody](struct{}{})
	}
	r.body = newOutgoingBody(r.of, r.headers, "HTTP-request-body-size")
	return Ok[*outgoingBody, struct{}](r.body)
}

// setMethod is set-method: func(method: method) -> result
func (r *outgoingRequest) setMethod(method Variant) bool {
	if name, ok := method.Value.(string); ok {
		if !token(name) || !r.takes(name) {
			return false
		}
		method = Variant{Case: "other", Value: strings.Clone(name)}
	}
	r.method = method
	return true
}

// setPath is set-path-with-query: func(path-with-query: option<string>) -> result
func (r *outgoingRequest) setPath(path Option[string]) bool {
	if text, ok := path.Get(); ok && text != "" {
		if text[0] != '/' && text[0] != '?' {
			return false
		}
		for i := range min(len(text), longestText) {
			if c := text[i]; c <= ' ' || c == 0x7f || c == '#' {
				return false
			}
		}
		if _, err := pathURL(text); err != nil || !r.takes(text) {
			return false
		}
	}
	r.path = path
	return true
}

// pathURL is a path with a query as a URL without a host.
func pathURL(text string) (*url.URL, error) {
	if !strings.HasPrefix(text, "/") {
		text = "/" + text
	}
	return url.ParseRequestURI(text)
}

// setScheme is set-scheme: func(scheme: option<scheme>) -> result
func (r *outgoingRequest) setScheme(scheme Option[Variant]) bool {
	if v, ok := scheme.Get(); ok {
		if name, other := v.Value.(string); other &&
			(!token(name) || strings.ContainsAny(name, "!#$%&'*^_`|~") || !r.takes(name)) {
			return false
		}
	}
	r.scheme = scheme
	return true
}

// setAuthority is set-authority: func(authority: option<string>) -> result
func (r *outgoingRequest) setAuthority(authority Option[string]) bool {
	if text, ok := authority.Get(); ok && !(len(text) <= longestText && isAuthority(text) && r.takes(text)) {
		return false
	}
	r.authority = authority
	return true
}

// isAuthority tells whether a text is a host, with a port or without.
func isAuthority(text string) bool {
	u, err := url.Parse("http://" + text)
	return err == nil && u.Host == text && u.Hostname() != "" && u.User == nil
}

// request makes the request for Go.
func (r *outgoingRequest) request(ctx context.Context) (*http.Request, error) {
	u := &url.URL{Scheme: "https", Path: "/"}
	if path, ok := r.path.Get(); ok && path != "" {
		parsed, err := pathURL(path)
		if err != nil {
			return nil, code("HTTP-request-URI-invalid")
		}
		u.Path, u.RawPath, u.RawQuery, u.ForceQuery = parsed.Path, parsed.RawPath, parsed.RawQuery, parsed.ForceQuery
	}
	if scheme, ok := r.scheme.Get(); ok {
		name, other := scheme.Value.(string)
		if !other {
			name = scheme.Case
		}
		if u.Scheme = strings.ToLower(name); u.Scheme != "http" && u.Scheme != "https" {
			return nil, code("HTTP-protocol-error")
		}
	}
	u.Host = r.authority.Or("")
	if u.Host == "" {
		return nil, code("HTTP-request-URI-invalid")
	}
	method, other := r.method.Value.(string)
	if !other {
		method = strings.ToUpper(r.method.Case)
	}
	request := (&http.Request{
		Method: method, URL: u, Host: u.Host, Header: make(http.Header, len(r.headers.list)+1),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	r.headers.copyTo(request.Header, "")
	if _, ok := request.Header["User-Agent"]; !ok {
		request.Header["User-Agent"] = nil // net/http adds its own otherwise
	}
	return request, nil
}

// handle is handle: func(request: outgoing-request, options: option<request-options>) ->
// result<future-incoming-response, error-code>
func (o *httpOptions) handle(c *wasmtime.Caller, r *outgoingRequest, options Option[*requestOptions]) (*futureResponse, error) {
	h, err := o.http(c)
	if err != nil {
		return nil, err
	}
	r.Close()
	length := r.headers.contentLength()
	if r.body == nil && length > 0 {
		return nil, codeOf("HTTP-request-body-size", uint64(0))
	}
	if h.requests >= o.client.requests {
		return nil, code("connection-limit-reached")
	}
	timeouts := options.Or(&requestOptions{})
	ctx, cancel := context.WithCancelCause(c.Context())
	request, err := r.request(connecting(ctx, timeout(timeouts.connect)))
	switch {
	case err != nil:
	case !o.client.allows(request.URL):
		err = code("HTTP-request-denied")
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	r.attach(request, length)
	f := &futureResponse{
		of: h, client: o.client, ctx: ctx, cancel: cancel, done: make(chan struct{}),
		firstByte: timeout(timeouts.firstByte), betweenBytes: timeout(timeouts.betweenBytes),
	}
	h.requests++
	go f.roundTrip(request)
	return f, nil
}

// attach gives the request its body.
func (r *outgoingRequest) attach(request *http.Request, length int64) {
	b := r.body
	switch {
	case b == nil:
		request.Body = http.NoBody
		return
	case b.finished && b.trailers == nil && len(b.kept) == 0:
		request.Body = http.NoBody
	case b.finished && b.trailers == nil:
		length = int64(len(b.kept))
	}
	pipe := newRequestPipe(request, b)
	if request.Body == nil {
		request.Body, request.ContentLength = pipe, length
		if length < 0 {
			request.Trailer = pipe.trailer
		}
	}
	b.send(pipe)
}

// requestPipe is the body of a request, from the guest to the goroutine that sends it.
type requestPipe struct {
	mu      sync.Mutex
	changed sync.Cond
	ctx     context.Context
	unwatch func() bool
	body    *outgoingBody
	buffer  []byte
	// from and to are where what has not been sent begins and ends in the buffer.
	from, to int
	// ended is io.EOF when the body has been written, or why it will not be.
	ended error
	// closed says that nobody sends any more.
	closed bool
	// trailer is the request's, which gets the last fields when the transport has read everything else.
	trailer http.Header
	last    *fields
}

func newRequestPipe(request *http.Request, body *outgoingBody) *requestPipe {
	p := &requestPipe{ctx: request.Context(), body: body, buffer: make([]byte, mostKept), trailer: http.Header{}}
	p.changed.L = &p.mu
	p.unwatch = context.AfterFunc(p.ctx, func() { _ = p.Close() })
	return p
}

// write takes what fits.
func (p *requestPipe) write(bytes []byte, wait bool) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && wait && p.freeLocked() == 0 {
		p.changed.Wait()
	}
	if p.closed {
		return 0, io.ErrClosedPipe
	}
	if p.from == p.to {
		p.from, p.to = 0, 0
	}
	if p.from > 0 && len(p.buffer)-p.to < len(bytes) {
		p.from, p.to = 0, copy(p.buffer, p.buffer[p.from:p.to])
	}
	n := copy(p.buffer[p.to:], bytes)
	p.to += n
	p.changed.Broadcast()
	return n, nil
}

func (p *requestPipe) freeLocked() int { return len(p.buffer) - (p.to - p.from) }

func (p *requestPipe) room() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 1 // to hear of it
	}
	return p.freeLocked()
}

func (p *requestPipe) finish(trailers *fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = trailers
	p.endLocked(io.EOF)
}

func (p *requestPipe) abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLocked(errBodyAborted)
}

// errBodyAborted is why a request is not sent whose body the guest has dropped.
var errBodyAborted = internalErrorf("the body of the request was dropped before its end")

func (p *requestPipe) endLocked(err error) {
	if p.ended == nil {
		p.ended = err
	}
	p.changed.Broadcast()
}

// Read reads for the transport.
func (p *requestPipe) Read(bytes []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && p.ended == nil && p.from == p.to {
		p.changed.Wait()
	}
	switch {
	case p.closed:
		return 0, io.ErrClosedPipe
	case p.from == p.to:
		if p.last != nil {
			p.last.copyTo(p.trailer, "")
			p.last = nil
		}
		return 0, p.ended
	}
	full := p.freeLocked() == 0
	n = copy(bytes, p.buffer[p.from:p.to])
	p.from += n
	p.changed.Broadcast()
	if full {
		p.body.wakeGuest()
	}
	return n, nil
}

// Close hears that nobody sends the body any more.
func (p *requestPipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.buffer, p.from, p.to = nil, 0, 0 // the guest may keep its body for long
		p.unwatch()
		p.changed.Broadcast()
		p.body.wakeGuest()
	}
	return nil
}

// futureResponse is the resource future-incoming-response.
type futureResponse struct {
	of                      *httpStore
	client                  *httpClient
	ctx                     context.Context
	cancel                  context.CancelCauseFunc
	firstByte, betweenBytes time.Duration
	// done is closed when there is a response, or an error.
	done     chan struct{}
	response *http.Response
	err      error
	got      bool
}

// The reasons for which a request ends that have a code.
var (
	errFirstByte    = code("connection-read-timeout")
	errBetweenBytes = code("connection-read-timeout")
	errLetGo        = errors.New("the guest has let go of the response")
)

// roundTrip makes the request, on a goroutine of its own, which nothing that panics may end the process with.
func (f *futureResponse) roundTrip(request *http.Request) {
	defer close(f.done)
	f.err = errPanicked // if something ends the goroutine
	late := time.AfterFunc(f.firstByte, func() { f.cancel(errFirstByte) })
	defer late.Stop()
	ended := func(int, error) {}
	if o := f.client.observer; o != nil && !returns(func() { request, ended = beginOutgoing(o, request) }) {
		f.cancel(nil)
		return
	}
	response, err := &http.Response{Body: http.NoBody}, error(errPanicked)
	returns(func() {
		if r, failed := answered(f.client.transport.RoundTrip(request)); failed != nil {
			err = failed
		} else {
			response, err = r, nil
		}
	})
	if cause := context.Cause(f.ctx); err != nil && cause != nil {
		err = errors.Join(cause, err)
	}
	if !returns(func() { ended(response.StatusCode, err) }) && err == nil {
		err = errPanicked
	}
	if err != nil {
		f.cancel(nil)
		returns(func() { _ = response.Body.Close() })
	}
	f.response, f.err = response, err
}

// returns calls a function of the program's, and tells whether it returns: otherwise it panics.
func returns(f func()) (returned bool) {
	defer func() { _ = recover() }()
	f()
	return true
}

// answered is what a RoundTripper has returned, if that is a response or an error.
func answered(response *http.Response, err error) (*http.Response, error) {
	switch {
	case err != nil:
		return nil, err
	case response == nil:
		return nil, errNoAnswer
	case response.Body == nil:
		response.Body = http.NoBody
	}
	if response.StatusCode < 100 || response.StatusCode > 999 {
		return nil, errors.Join(code("HTTP-protocol-error"), response.Body.Close())
	}
	return response, nil
}

// errNoAnswer is the error of a RoundTripper that has returned nothing.
var errNoAnswer = internalErrorf("the transport has neither a response nor an error")

// errPanicked is the error of a RoundTripper or an observer that has panicked.
var errPanicked = internalErrorf("the transport has failed")

// futureResult is what get of future-incoming-response returns.
type futureResult = Option[Result[Result[*incomingResponse, HTTPErrorCode], struct{}]]

// get is get: func() -> option<result<result<incoming-response, error-code>>>
func (f *futureResponse) get() futureResult {
	select {
	case <-f.done:
	default:
		return futureResult{}
	}
	if f.got {
		return Some(Err[Result[*incomingResponse, HTTPErrorCode]](struct{}{}))
	}
	f.got = true
	if f.err != nil {
		f.of.requests--
		return Some(Ok[Result[*incomingResponse, HTTPErrorCode], struct{}](Err[*incomingResponse](httpErrorCode(f.err))))
	}
	r := &incomingResponse{
		status: uint16(f.response.StatusCode), headers: fieldsOf(f.response.Header),
		body: &responseBody{of: f.of, ctx: f.ctx, response: f.response, cancel: f.cancel, between: f.betweenBytes},
	}
	return Some(Ok[Result[*incomingResponse, HTTPErrorCode], struct{}](Ok[*incomingResponse, HTTPErrorCode](r)))
}

// Close hears that the guest has dropped it.
func (f *futureResponse) Close() {
	if f.got {
		return
	}
	f.of.requests--
	f.cancel(errLetGo)
	go func() {
		<-f.done
		if f.err == nil {
			returns(func() { _ = f.response.Body.Close() })
		}
	}()
}

// incomingResponse is the resource incoming-response.
type incomingResponse struct {
	status  uint16
	headers *fields
	body    *responseBody
	taken   bool
}

// consume is consume: func() -> result<incoming-body>
func (r *incomingResponse) consume() Result[*incomingBody, struct{}] {
	if r.taken {
		return Err[*incomingBody](struct{}{})
	}
	r.taken = true
	return Ok[*incomingBody, struct{}](&incomingBody{of: r.body.of, from: r.body})
}

// Close hears that the guest has dropped the response.
func (r *incomingResponse) Close() {
	if !r.taken {
		r.body.stop()
	}
}

// responseBody is the body of a response to a guest's request.
type responseBody struct {
	of       *httpStore
	ctx      context.Context
	response *http.Response
	cancel   context.CancelCauseFunc
	between  time.Duration
	late     *time.Timer
	stopped  bool
}

// Read reads the body. It ends with the request's context.
func (b *responseBody) Read(p []byte) (int, error) {
	if b.late == nil {
		b.late = time.AfterFunc(b.between, func() { b.cancel(errBetweenBytes) })
	} else {
		b.late.Reset(b.between)
	}
	n, err := b.response.Body.Read(p)
	b.late.Stop()
	if err != nil && err != io.EOF {
		if cause := context.Cause(b.ctx); cause != nil {
			err = errors.Join(cause, err)
		}
	}
	return n, err
}

func (b *responseBody) trailers() http.Header { return b.response.Trailer }

// stop ends the request: nobody wants what is left of its response.
func (b *responseBody) stop() {
	if b.stopped {
		return
	}
	b.stopped = true
	b.of.requests--
	b.cancel(errLetGo)
	_ = b.response.Body.Close()
}
