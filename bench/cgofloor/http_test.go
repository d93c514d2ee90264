package cgofloor_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// What the handlers in WebAssembly do, in plain Go.

// An op is a request, over TCP.
func BenchmarkHTTPServe(b *testing.B) {
	work.Served(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, work.HelloOutput)
	}))
}

// paths is HTTPPaths, with a buffer of the same size.
func paths(w http.ResponseWriter, r *http.Request) {
	buffer := make([]byte, 64<<10)
	var err error
	switch r.URL.Path {
	case "/bytes":
		var left int
		for left, err = strconv.Atoi(r.URL.RawQuery); left > 0 && err == nil; left -= len(buffer) {
			_, err = w.Write(buffer[:min(left, len(buffer))])
		}
	case "/read":
		var n int64
		if n, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, buffer); err == nil {
			fmt.Fprintln(w, n)
		}
	case "/fetches":
		var n int
		n, err = strconv.Atoi(r.URL.RawQuery)
		for range n {
			err = errors.Join(err, fetch(r.Header.Get("X-Url"), buffer))
		}
		fmt.Fprintln(w, n)
	}
	if err != nil {
		panic(err)
	}
}

func fetch(url string, buffer []byte) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	_, err = io.CopyBuffer(new(strings.Builder), answer.Body, buffer)
	return err
}

// An op is a body of 10 MiB from the server, over TCP.
func BenchmarkHTTPBodyOut(b *testing.B) { work.BodyOut(b, http.HandlerFunc(paths)) }

// An op is a body of 10 MiB to the server, over TCP.
func BenchmarkHTTPBodyIn(b *testing.B) { work.BodyIn(b, http.HandlerFunc(paths)) }

// An op is a request that the handler makes, one of many.
func BenchmarkHTTPFetch(b *testing.B) { work.Fetched(b, http.HandlerFunc(paths)) }
