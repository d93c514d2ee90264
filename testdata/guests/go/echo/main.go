// Command echo accepts as many connections from descriptor 3 as its argument says, all served at once, and sends back
// what comes until each has ended.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
)

func main() {
	conns, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	// One that does not block is left to Go's poller, so that only a goroutine waits.
	if err := syscall.SetNonblock(3, true); err != nil {
		log.Fatal(err)
	}
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		log.Fatal(err)
	}
	var serving sync.WaitGroup
	for range conns {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		serving.Go(func() {
			defer conn.Close()
			io.Copy(conn, conn)
		})
	}
	serving.Wait()
}
