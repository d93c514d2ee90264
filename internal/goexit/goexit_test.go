package goexit_test

import (
	"runtime"
	"testing"

	"github.com/gowasmtime/wasmtime/internal/goexit"
)

// caller calls f and tells what Running says when that has not returned.
//
//go:noinline
func caller(f func(), running chan<- bool) {
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		running <- goexit.Running("goexit_test.caller")
		_ = value
	}()
	f()
	returned = true
}

func TestRunning(t *testing.T) {
	tests := []struct {
		name string
		f    func()
		want bool
	}{
		{"panic", func() { panic("panic") }, false},
		{"Goexit", runtime.Goexit, true},
		{"panic while Goexit runs", func() {
			defer func() { panic("on top") }()
			runtime.Goexit()
		}, true},
		{"Goexit of a deferred function", func() {
			defer runtime.Goexit()
			panic("below")
		}, true},
		{"deep", func() {
			var deep func(n int)
			deep = func(n int) {
				if n == 0 {
					runtime.Goexit()
				}
				deep(n - 1)
				runtime.KeepAlive(n)
			}
			deep(300)
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			running := make(chan bool, 1)
			go caller(test.f, running)
			if got := <-running; got != test.want {
				t.Errorf("Running() = %v, want %v", got, test.want)
			}
		})
	}
}

// What ends a goroutine around the caller is not what ended the function that it called.
func TestRunningOutside(t *testing.T) {
	running := make(chan bool, 1)
	go func() {
		defer caller(func() { panic("inside") }, running)
		runtime.Goexit()
	}()
	if <-running {
		t.Error("Goexit that runs the caller itself counts")
	}
}
