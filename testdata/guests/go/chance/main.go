// Command chance prints what differs from run to run: the time, how long it takes to sleep, random numbers of three
// kinds, and the order of a map.
package main

import (
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"time"
)

func main() {
	start := time.Now()
	fmt.Println(start.UTC())
	fmt.Println(crand.Text(), rand.Uint64())
	m := map[int]bool{}
	for i := range 20 {
		m[i] = true
	}
	for i := range m {
		fmt.Print(i, " ")
	}
	fmt.Println()
	time.Sleep(time.Millisecond)
	fmt.Println(time.Since(start) >= time.Millisecond, time.Now().UTC())
}
