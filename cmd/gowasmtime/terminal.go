package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// progressAfter is how long a module is compiled before anybody is told, and how often then.
const progressAfter = time.Second

// showProgress tells whoever sits at a terminal, at every tick, that something takes its time. stop ends that, and
// leaves no trace of it.
func showProgress(terminal io.Writer, what string, ticks <-chan time.Time) (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		begun, width := time.Now(), 0
		for {
			select {
			case now := <-ticks:
				text := fmt.Sprintf("%s, %d s", what, int(now.Sub(begun).Round(time.Second).Seconds()))
				width = len(text)
				io.WriteString(terminal, "\r"+text)
			case <-over:
				if width > 0 {
					io.WriteString(terminal, "\r"+strings.Repeat(" ", width)+"\r")
				}
				return
			}
		}
	}()
	return func() { close(over); <-ended }
}

// showCompiling is showProgress for a module that is being compiled, if there is a terminal.
func showCompiling(path string) (stop func()) {
	if !isTerminal(os.Stderr) {
		return func() {}
	}
	ticker := time.NewTicker(progressAfter)
	end := showProgress(os.Stderr, fmt.Sprintf("compiling %q", path), ticker.C)
	return func() { ticker.Stop(); end() }
}

// tell writes a line for whoever sits at a terminal, if anybody does.
func tell(text string) {
	if isTerminal(os.Stderr) {
		fmt.Fprintln(os.Stderr, text)
	}
}

// paint makes the first word of an error red, if it is for a terminal that has colours, and nobody wants none.
func paint(stderr io.Writer, text string) string {
	f, ok := stderr.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || runtime.GOOS == "windows" || !isTerminal(f) {
		return text
	}
	word, rest, _ := strings.Cut(text, ":")
	return "\x1b[1;31m" + word + ":\x1b[0m" + rest
}
