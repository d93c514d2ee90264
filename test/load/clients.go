package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// answers is what came of a load.
type answers struct {
	took                   time.Duration
	ok, trapped            int
	latencies              vegeta.LatencyMetrics
	slow, slowBytes, broke int64
	wrong                  map[string]int // requests that were not answered, or not as they should be, by why
}

func (a answers) String() string {
	var wrong strings.Builder
	for _, why := range slices.Sorted(maps.Keys(a.wrong)) {
		fmt.Fprintf(&wrong, "\n  %d × %s", a.wrong[why], why)
	}
	return fmt.Sprintf("%d answers and %d of guests that trap in %v, %.0f a second; half within %v, 99 %% within %v, all within %v; "+
		"%d connections read %d KiB slowly; %d vanished%s", a.ok, a.trapped, a.took.Round(time.Millisecond),
		float64(a.ok+a.trapped)/a.took.Seconds(), a.latencies.P50.Round(time.Microsecond),
		a.latencies.P99.Round(time.Microsecond), a.latencies.Max.Round(time.Microsecond), a.slow, a.slowBytes>>10, a.broke, &wrong)
}

// check says which requests were not answered.
func (a answers) check() error {
	n := 0
	for _, times := range a.wrong {
		n += times
	}
	switch {
	case n > 0:
		return fmt.Errorf("%d of %d requests were not answered as they should be", n, n+a.ok+a.trapped)
	case a.ok == 0:
		return fmt.Errorf("nothing was answered")
	case a.trapped == 0 && *trap > 0, a.slowBytes == 0 && *slow > 0, a.broke == 0 && *vanish > 0:
		return fmt.Errorf("a kind of requests was never made")
	}
	return nil
}

// The paths of requests, see testdata/guests/wasip2/http.
const (
	echo     = "/echo"
	trapping = "/trap"
)

// load puts a server under load for some time.
func (p phase) load(address string, long time.Duration) (answers, error) {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	var group sync.WaitGroup
	slowly, vanishing := *connections**slow/100, *connections**vanish/100
	all := answers{wrong: map[string]int{}}
	var faults sync.Map
	rude := func(n int, client func(context.Context, string) error) {
		for range n {
			group.Go(func() {
				if err := client(ctx, address); err != nil && ctx.Err() == nil {
					faults.Store(err.Error(), true)
				}
			})
		}
	}
	rude(slowly, func(ctx context.Context, address string) error {
		return p.readSlowly(ctx, address, &all.slow, &all.slowBytes)
	})
	rude(vanishing, func(ctx context.Context, address string) error { return p.vanish(ctx, address, &all.broke) })
	p.attack(address, long, *connections-slowly-vanishing, &all)
	group.Wait()
	for fault := range faults.Range {
		all.wrong["a connection that misbehaves: "+fault.(string)]++
	}
	return all, nil
}

// attack is the load of vegeta.
func (p phase) attack(address string, long time.Duration, n int, all *answers) {
	body, count := bytes.Repeat([]byte("x"), p.size), atomic.Uint64{}
	bytesPath := fmt.Sprintf("/bytes?%d", p.size)
	targets := func(t *vegeta.Target) error {
		*t = vegeta.Target{Method: http.MethodPost, URL: "http://" + address + echo, Body: body}
		switch i := count.Add(1); {
		case i*uint64(*trap)%100 < uint64(*trap):
			*t = vegeta.Target{Method: http.MethodGet, URL: "http://" + address + trapping}
		case p.size > 1<<20 && i%2 == 0: // one way, else the answer would hold up the request
			*t = vegeta.Target{Method: http.MethodGet, URL: "http://" + address + bytesPath}
		case p.size > 1<<20:
			t.URL = "http://" + address + "/read"
		}
		return nil
	}
	attacker := vegeta.NewAttacker(vegeta.KeepAlive(true), vegeta.Connections(n), vegeta.Workers(uint64(n)),
		vegeta.MaxWorkers(uint64(n)), vegeta.Timeout(10*time.Minute), vegeta.MaxBody(1<<10))
	started := time.Now()
	var metrics vegeta.Metrics
	for r := range attacker.Attack(targets, vegeta.Rate{}, long, "load") {
		metrics.Add(r)
		switch traps := strings.HasSuffix(r.URL, trapping); {
		case traps && r.Code == http.StatusBadGateway:
			all.trapped++
		case r.Code == 0:
			all.wrong["no answer: "+withoutPorts(r.Error)]++
		case r.Code != http.StatusOK:
			all.wrong[fmt.Sprintf("%s %s: %s: %.100s", r.Method, path(r.URL), r.Error, r.Body)]++
		case r.Error != "":
			all.wrong["half an answer: "+withoutPorts(r.Error)]++
		case strings.HasSuffix(r.URL, echo) && len(r.Body) != p.size:
			all.wrong[fmt.Sprintf("an echo of %d bytes is %d bytes long", p.size, len(r.Body))]++
		default:
			all.ok++
		}
	}
	attacker.Stop()
	metrics.Close()
	all.took, all.latencies = time.Since(started), metrics.Latencies
}

// path is what follows the authority of a URL.
func path(url string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	return "/" + rest
}

// withoutPorts makes one error of those that differ in the ports of the connections.
func withoutPorts(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		if strings.HasPrefix(word, "127.0.0.1:") {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// readSlowly asks for a body that no buffer has room for, and reads 1 KiB a second of it.
func (p phase) readSlowly(ctx context.Context, address string, connections, read *int64) error {
	conn, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	atomic.AddInt64(connections, 1)
	if _, err := fmt.Fprintf(conn, "GET /bytes?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", 100<<20); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return fmt.Errorf("a slow reader: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("a slow reader: %s", answer.Status)
	}
	part := make([]byte, 1<<10)
	for {
		if _, err := io.ReadFull(answer.Body, part); err != nil {
			return fmt.Errorf("a slow reader: %w", err)
		}
		atomic.AddInt64(read, int64(len(part)))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// vanish makes one connection after the other, each of which ends in the middle of something.
func (p phase) vanish(ctx context.Context, address string, times *int64) error {
	for ctx.Err() == nil {
		if err := vanishOnce(ctx, address, p.size); err != nil {
			return err
		}
		atomic.AddInt64(times, 1)
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	}
	return nil
}

func vanishOnce(ctx context.Context, address string, size int) error {
	conn, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if rand.IntN(2) == 0 {
		_ = conn.(*net.TCPConn).SetLinger(0) // the other side hears of a reset, not of an end
	}
	// What the server says to half a request is its business.
	switch rand.IntN(5) {
	case 0: // in the head
		fmt.Fprint(conn, "POST /echo HTTP/1.1\r\nHost: loc")
	case 1: // in the body
		fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size/2))
	case 2: // before the answer
		fmt.Fprintf(conn, "GET /bytes?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", size)
	case 3: // in the answer
		fmt.Fprintf(conn, "GET /bytes?%d HTTP/1.1\r\nHost: localhost\r\n\r\n", max(size, 1<<20))
		io.CopyN(io.Discard, conn, int64(rand.IntN(100_000)))
	case 4: // while the guest waits
		fmt.Fprint(conn, "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	}
	return nil
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", address)
}
