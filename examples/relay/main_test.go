package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
)

// A client talks to an echo server through a guest.
func Example() {
	echo := listen()
	go func() {
		conn, err := echo.Accept()
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(conn, conn)
		conn.Close()
	}()

	ctx, cancel := context.WithCancel(context.Background())
	proxy := listen()
	over := make(chan error)
	go func() { over <- serve(ctx, proxy, echo.Addr().String()) }()

	conn, err := net.Dial("tcp", proxy.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	io.Copy(conn, strings.NewReader("Hello through a guest!\n"))
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	fmt.Print(string(answer))
	fmt.Println(err)

	// One that is still open does not keep the proxy from ending.
	if _, err := net.Dial("tcp", proxy.Addr().String()); err != nil {
		log.Fatal(err)
	}
	cancel()
	fmt.Println(<-over)
	// Output:
	// Hello through a guest!
	// <nil>
	// <nil>
}

func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return l
}
