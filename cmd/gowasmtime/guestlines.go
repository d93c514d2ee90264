package main

import (
	"bytes"
	"io"
	"sync"
)

// guestLines writes what a guest prints, and before each line who that is. What is written at once stays together.
type guestLines struct {
	to     *sharedWriter
	prefix string
	// within says that the last line that was written has no end yet.
	within bool
}

// sharedWriter is a writer for several goroutines.
type sharedWriter struct {
	mu sync.Mutex
	io.Writer
}

// Write writes lines.
func (g *guestLines) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var text bytes.Buffer
	for line := range bytes.Lines(p) {
		if !g.within {
			text.WriteString(g.prefix)
		}
		text.Write(line)
		g.within = line[len(line)-1] != '\n'
	}
	g.to.mu.Lock()
	defer g.to.mu.Unlock()
	if _, err := g.to.Writer.Write(text.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}
