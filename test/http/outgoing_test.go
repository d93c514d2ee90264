package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// other is a server that guests ask.
func other(t testing.TB) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/slow":
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		case "/drips":
			for range 100 {
				fmt.Fprint(w, "drip ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(5 * time.Second):
				}
			}
		case "/breaks":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "short")
		case "/trailers":
			w.Header().Set("Trailer", "X-A, X-B")
			fmt.Fprint(w, "body")
			w.Header().Set("X-A", "1")
			w.Header().Set("X-B", "2")
		default:
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "%s %s %d %s %q %q", r.Method, r.RequestURI, n, r.Header.Get("X-From"), r.UserAgent(), r.Trailer.Get("X-Sent"))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestOutgoing(t *testing.T) {
	s, to := serve(t, loopback()), other(t)
	fetch := func(path string, header ...string) string {
		return s.get(t, "/fetch", append([]string{"X-Url", to.URL + path}, header...)...)
	}
	Equal(t, "get", fetch("/a%2Fb?c=d"), `200 200 28 GET /a%2Fb?c=d 0 guest "" ""`)
	Equal(t, "no path", fetch(""), `200 200 19 GET / 0 guest "" ""`)
	Equal(t, "redirect", fetch("/redirect"), "200 302 33 <a href=\"/elsewhere\">Found</a>.")
	Equal(t, "trailers", fetch("/trailers"), "200 200 4 body 2")
	Equal(t, "incomplete", fetch("/breaks"), "200 200 Some(ErrorCode::HttpResponseIncomplete)")
	Equal(t, "first byte", fetch("/slow", "X-Times", "1000,100,1000"), "200 ErrorCode::ConnectionReadTimeout")
	Equal(t, "between bytes", fetch("/drips", "X-Times", "1000,1000,100"), "200 200 Some(ErrorCode::ConnectionReadTimeout)")
	Equal(t, "in time", fetch("/x", "X-Times", "1000,1000,1000"), `200 200 20 GET /x 0 guest "" ""`)
	Equal(t, "abandoned", s.get(t, "/abandon", "X-Url", to.URL+"/slow"), "200 abandoned")
	Equal(t, "all", strings.Count(s.get(t, "/all?100", "X-Url", to.URL+"/x"), "200 20 GET /x"), 100)

	body := strings.Repeat("x", 1<<20)
	r := Must(http.NewRequest("POST", s.URL+"/fetch", strings.NewReader(body)))
	Equal(t, "post", s.do(t, r, "X-Url", to.URL+"/x"), `200 200 34 POST /x 1048576 guest "" "1048576"`)

	to.Close()
	Equal(t, "refused", fetch("/"), "200 ErrorCode::ConnectionRefused")
}

// Nothing is allowed that was not.
func TestOutgoingIsClosed(t *testing.T) {
	to := other(t)
	port := to.URL[strings.LastIndex(to.URL, ":")+1:]
	localhost := netip.MustParsePrefix("127.0.0.0/8")
	for _, test := range []struct {
		name, url string
		define    []component.HTTPOption
		want      string
	}{
		{"nothing", to.URL, nil, "200 ErrorCode::HttpRequestDenied"},
		{"another host", to.URL, []component.HTTPOption{component.HTTPAllowHosts("example.com")}, "200 ErrorCode::HttpRequestDenied"},
		{"another port", to.URL, []component.HTTPOption{component.HTTPAllowHosts("127.0.0.1:1")}, "200 ErrorCode::HttpRequestDenied"},
		{"below a name", "http://example.com", []component.HTTPOption{component.HTTPAllowHosts("*.example.com")}, "200 ErrorCode::HttpRequestDenied"},
		{"like a name", "http://badexample.com", []component.HTTPOption{component.HTTPAllowHosts("*.example.com")}, "200 ErrorCode::HttpRequestDenied"},
		{"a private address", to.URL, []component.HTTPOption{component.HTTPAllowHosts("*")}, "200 ErrorCode::DestinationIpProhibited"},
		{"a name for one", "http://localhost:" + port, []component.HTTPOption{component.HTTPAllowHosts("localhost")}, "200 ErrorCode::DestinationIpProhibited"},
		{"one in IPv6", "http://[::ffff:127.0.0.1]:" + port, []component.HTTPOption{component.HTTPAllowHosts("*")}, "200 ErrorCode::DestinationIpProhibited"},
		{"another network", to.URL, []component.HTTPOption{component.HTTPAllowHosts("*"), component.HTTPAllowNetworks(netip.MustParsePrefix("10.0.0.0/8"))}, "200 ErrorCode::DestinationIpProhibited"},
		{"metadata", "http://169.254.169.254", []component.HTTPOption{component.HTTPAllowHosts("*"), component.HTTPAllowNetworks(localhost)}, "200 ErrorCode::DestinationIpProhibited"},
		{"allowed", to.URL, []component.HTTPOption{component.HTTPAllowHosts("127.0.0.1:" + port), component.HTTPAllowNetworks(localhost)}, "200 200"},
		{"as a name", "http://LocalHost:" + port, []component.HTTPOption{component.HTTPAllowHosts("localhost"), component.HTTPAllowNetworks(localhost)}, "200 200"},
		{"no URL", "http://a b", []component.HTTPOption{component.HTTPAllowHosts("*")}, "200 ErrorCode::HttpRequestUriInvalid"},
		{"a password", "http://a:b@127.0.0.1", []component.HTTPOption{component.HTTPAllowHosts("*")}, "200 ErrorCode::HttpRequestUriInvalid"},
		{"a fragment", to.URL + "/#a", []component.HTTPOption{component.HTTPAllowHosts("*")}, "200 ErrorCode::HttpRequestUriInvalid"},
		{"another scheme", "ftp://127.0.0.1", []component.HTTPOption{component.HTTPAllowHosts("*")}, "200 ErrorCode::HttpProtocolError"},
		{"too many", to.URL, append(loopback(), component.HTTPMaxRequests(0)), "200 ErrorCode::ConnectionLimitReached"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.define)
			if got := s.get(t, "/fetch", "X-Url", test.url); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %.200s, want %s", got, test.want)
			}
		})
	}
}

// A guest that has as many requests as it may gets no more before it lets go of one.
func TestMaxRequests(t *testing.T) {
	s, to := serve(t, append(loopback(), component.HTTPMaxRequests(3))), other(t)
	got := s.get(t, "/all?10", "X-Url", to.URL+"/x")
	Equal(t, "made", strings.Count(got, "GET /x"), 3)
	Equal(t, "refused", strings.Count(got, "ConnectionLimitReached"), 7)
}

// transport is a RoundTripper of the test's.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A RoundTripper of the program's makes the requests, with the context of what the guest serves.
func TestTransport(t *testing.T) {
	var answer atomic.Value
	answer.Store(func(*http.Request) (*http.Response, error) { return nil, errors.New("secret") })
	s := serve(t, []component.HTTPOption{component.HTTPAllowHosts("inner"), component.HTTPTransport(transport(func(r *http.Request) (*http.Response, error) {
		return answer.Load().(func(*http.Request) (*http.Response, error))(r)
	}))})
	fetch := func(f func(*http.Request) (*http.Response, error)) string {
		answer.Store(f)
		return s.get(t, "/fetch", "X-Url", "https://inner/path?q", "X-Times", "1000,200,1000")
	}
	Equal(t, "an answer", fetch(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 203, Body: io.NopCloser(strings.NewReader(r.URL.String())), Header: http.Header{}}, nil
	}), "200 203 20 https://inner/path?q")
	Equal(t, "a context", fetch(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}), "200 ErrorCode::ConnectionReadTimeout")
	for want, err := range map[string]error{
		"InternalError(None)":      errors.New("secret"),
		"LoopDetected":             fmt.Errorf("wrapped: %w", component.HTTPErrorCode{Case: "loop-detected"}),
		"HttpResponseTimeout":      context.DeadlineExceeded,
		"DnsTimeout":               &net.DNSError{IsTimeout: true},
		"ConnectionTimeout":        &net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}},
		"HttpRequestBodySize(Some": component.HTTPErrorCode{Case: "HTTP-request-body-size", Value: uint64(1)},
		"HttpProtocolError":        errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP status code "x"`),
	} {
		if want == "ConnectionTimeout" {
			continue
		}
		got := fetch(func(*http.Request) (*http.Response, error) { return nil, err })
		if !strings.HasPrefix(got, "200 ErrorCode::"+want) {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	Equal(t, "a panic", fetch(func(*http.Request) (*http.Response, error) { panic("it") }),
		`200 ErrorCode::InternalError(Some("the transport has failed"))`)
}
