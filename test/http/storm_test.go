package http

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Clients that go at any moment, guests that fail, and those that ask others: nothing is left of them.
func TestStorm(t *testing.T) {
	to := other(t)
	s := serve(t, loopback(), component.WithMaxInstances(20), component.WithReuse(5, 0), component.WithTimeout(20*time.Second))
	paths := []string{
		"/count", "/polled", "/late?100000", "/late?10", "/dropped?50000", "/sleep?20", "/early?20", "/unfinished?200000",
		"/fetch", "/all?3", "/abandon", "/read", "/handles?100", "/orphans",
	}
	before := runtime.NumGoroutine()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 17))
			for range 20 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(100)+1)*time.Millisecond)
				body := strings.NewReader(strings.Repeat("x", random.IntN(200_000)))
				r := Must(http.NewRequestWithContext(ctx, "POST", s.URL+paths[random.IntN(len(paths))], body))
				r.Header.Set("X-Url", to.URL+"/drips")
				if response, err := client.Do(r); err == nil {
					_, _ = io.CopyN(io.Discard, response.Body, int64(random.IntN(100_000)))
					response.Body.Close()
				}
				cancel()
			}
		})
	}
	all.Wait()
	client.CloseIdleConnections()
	Equal(t, "afterwards", s.get(t, "/rules")[:4], "200 ")
	for i := 0; runtime.NumGoroutine() > before+20; i++ {
		if i == 200 {
			p := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, p[:runtime.Stack(p, true)])
		}
		time.Sleep(20 * time.Millisecond)
	}
	if log := s.log.String(); strings.Contains(log, "the server: http: panic") {
		t.Error(fmt.Sprint("a panic: ", log))
	}
}
