// Command load puts a server of a component under load, and fails unless everything is afterwards as it was before: its
// resident memory, goroutines, descriptors and native handles, and every request has been answered.
//
//	go run -tags debug .                 # a minute of each size of bodies, 1,000 connections
//	go run -tags debug . -duration 3s    # a sample
//
// Most connections are those of vegeta, a load generator: they stay open, and one request in ten is to a path where the
// guest traps. Of the others, a tenth of all vanishes in the middle of a request or of its answer, and comes again; and a
// tenth reads a kilobyte a second. The server is a process of its own. Without the build tag debug, native handles are
// not counted.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

var (
	duration    = flag.Duration("duration", time.Minute, "how long the load lasts, for each size of bodies")
	connections = flag.Int("connections", 1000, "how many connections there are at once, with those that misbehave")
	large       = flag.Int("large", 10<<20, "how long large bodies are, in bytes")
	vanish      = flag.Int("vanish", 10, "how many connections in a hundred vanish, over and over again")
	slow        = flag.Int("slow", 10, "how many connections in a hundred read 1 KiB a second")
	trap        = flag.Int("trap", 10, "how many requests in a hundred are to a path where the guest traps")
	resident    = flag.Float64("resident", 5, "by how many percent the resident memory may grow")
	reuse       = flag.Int("reuse", 0, "how many requests an instance serves; 0: one")
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == serveCommand {
		fail(serve(os.Args[2]))
		return
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fail(fmt.Errorf("unexpected argument %q: everything is said by flags", flag.Arg(0)))
	}
	if *duration <= 0 || *connections <= 0 || *vanish < 0 || *slow < 0 || *vanish+*slow >= 100 || *trap < 0 || *trap > 100 {
		fail(errors.New("there has to be some load, for some time"))
	}
	fail(run())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	phases := []phase{
		{name: "1 KiB", size: 1 << 10},
		{name: fmt.Sprintf("%d KiB", *large>>10), size: *large},
	}
	var faults []error
	for _, p := range phases {
		if err := p.run(); err != nil {
			faults = append(faults, fmt.Errorf("bodies of %s: %w", p.name, err))
		}
	}
	return errors.Join(faults...)
}

// A phase is load with bodies of one size, on a server of its own.
type phase struct {
	name string
	size int
}

func (p phase) run() error {
	server, err := startServer(*reuse)
	if err != nil {
		return err
	}
	defer server.kill()
	// What a first load makes stays: buffers, threads, memories that the pool keeps.
	if _, err := p.load(server.address, max(*duration/4, time.Second)); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	before, err := server.settled(nil)
	if err != nil {
		return err
	}
	answers, err := p.load(server.address, *duration)
	if err != nil {
		return err
	}
	after, err := server.settled(&before)
	if err != nil {
		return err
	}
	fmt.Printf("bodies of %s\n%v\nbefore: %v\nafter:  %v\n", p.name, answers, before, after)
	return errors.Join(answers.check(), after.check(before, *resident), server.stop())
}
