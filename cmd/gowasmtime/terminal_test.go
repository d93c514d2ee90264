package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

// writes passes on what is written, a write at a time.
type writes chan string

func (w writes) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// Progress is written at every tick, and gone at the end; without a tick there is none.
func TestProgress(t *testing.T) {
	written, ticks := make(writes, 1), make(chan time.Time)
	stop := showProgress(written, "compiling", ticks)
	begun := time.Now()
	for seconds := 1; seconds <= 2; seconds++ {
		ticks <- begun.Add(time.Duration(seconds) * time.Second)
		if text := <-written; !strings.HasPrefix(text, "\rcompiling, ") || !strings.HasSuffix(text, " s") {
			t.Errorf("%q", text)
		}
	}
	stop()
	testkit.Equal(t, "the end", <-written, "\r"+strings.Repeat(" ", len("compiling, 2 s"))+"\r")
	showProgress(written, "compiling", ticks)()
	testkit.Equal(t, "written without a tick", len(written), 0)
}

// What is no terminal gets neither progress nor colours.
func TestNoTerminal(t *testing.T) {
	r, w := testkit.Pipe(t)
	null, err := os.Open(os.DevNull)
	testkit.Check(t, err)
	defer null.Close()
	for _, f := range []*os.File{r, w, null, testkit.TempFile(t, "")} {
		testkit.Equal(t, f.Name()+" is a terminal", isTerminal(f), false)
		testkit.Equal(t, "text", paint(f, "Error: x"), "Error: x")
	}
	testkit.Equal(t, "text for a writer", paint(&strings.Builder{}, "Error: x"), "Error: x")
}
