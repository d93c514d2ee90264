// Command load sends HTTP requests for the benchmarks of all peers, so that they differ in the server alone: as few
// steps as possible for a request, over connections that stay open.
//
//	load ADDRESS
//
// It reads numbers from standard input, a line each, sends so many requests to the address, a few connections at once,
// and prints "ok" when every answer was a 200 whose body it has read. The first fault ends it, with status 1.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// connections is how many there are: enough to keep both the server and this program busy.
const connections = 16

var request = []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: load ADDRESS")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(address string) error {
	var clients [connections]client
	for i := range clients {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		clients[i] = client{conn, bufio.NewReader(conn)}
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var n int64
		if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
			return err
		}
		if err := send(clients[:], n); err != nil {
			return err
		}
		fmt.Println("ok")
	}
	return lines.Err()
}

// send has the clients send n requests.
func send(clients []client, n int64) error {
	var group sync.WaitGroup
	left, fault := atomic.Int64{}, make(chan error, len(clients))
	left.Store(n)
	for _, c := range clients {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := c.get(); err != nil {
					fault <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(fault)
	return <-fault
}

// A client is a connection, used for one request after the other.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func (c client) get() error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
