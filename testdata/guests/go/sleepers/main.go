// Command sleepers reads a line of standard input in one goroutine while others sleep, and prints what they did.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

func main() {
	line := make(chan string)
	go func() {
		s, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil {
			fail(err)
		}
		line <- s
	}()
	slept := make(chan int)
	start := time.Now()
	for i := range 10 {
		go func() {
			time.Sleep(time.Duration(i+1) * 10 * time.Millisecond)
			slept <- i
		}()
	}
	sum := 0
	for range 10 {
		sum += <-slept
	}
	if passed := time.Since(start); passed < 100*time.Millisecond {
		fail("they slept only", passed)
	}
	fmt.Print("read ", <-line)
	fmt.Println("sum", sum)
}

func fail(what ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"sleepers:"}, what...)...)
	os.Exit(1)
}
