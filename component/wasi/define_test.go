package wasi_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasi"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// What does not go together is an error when a component is linked, which names what is missing.
func TestHalfReplaced(t *testing.T) {
	preopens := []string{"wasi:filesystem/preopens", "wasi:filesystem/types#[method]descriptor.stat"}
	for _, test := range []struct {
		name    string
		imports []string
		defines []define
		wants   string
	}{
		{"streams of Go's from the library's stdin", []string{"wasi:cli/stdin", "wasi:io/streams#[method]input-stream.read"},
			[]define{wasi.DefineStreams}, "WASI's own function is for WASI's own input-stream"},
		{"descriptors of Go's from the library's preopens", preopens,
			[]define{func(l *component.Linker) error {
				return wasi.DefineFilesystemTypes(l, wasi.FilesystemTypes[*component.Resource](filesystem{}))
			}}, "`wasi:filesystem/preopens@0.2.0#get-directories`"},
		{"an error of Go's from the library's streams", []string{"wasi:io/error", "wasi:io/streams#[method]input-stream.read"},
			[]define{wasi.DefineError}, "WASI's own error"},
		{"pollables of Go's in the library's clock", []string{"wasi:io/poll", "wasi:clocks/monotonic-clock#subscribe-instant"},
			[]define{func(l *component.Linker) error { return wasi.DefinePoll(l, &virtual{}) }}, "WASI's own pollable"},
		{"descriptors of Go's, which nobody has defined", preopens,
			[]define{func(l *component.Linker) error { return wasi.DefinePreopens(l, filesystem{}) }}, "Go has wasi.Descriptor"},
		{"descriptors of the library's, where Go's are defined", preopens,
			[]define{func(l *component.Linker) error { return wasi.DefinePreopens(l, directory{}) },
				func(l *component.Linker) error {
					return wasi.DefineFilesystemTypes(l, wasi.FilesystemTypes[*component.Resource](filesystem{}))
				}}, "Go has *component.Resource"},
	} {
		_, err := tryLink(t, guestOf("0.2.0", test.imports...), test.defines...)
		if !errors.Is(err, component.ErrType) || !strings.Contains(err.Error(), test.wants) {
			t.Errorf("%s: %v, want %s", test.name, err, test.wants)
		}
	}
}

// A function of the library's that has nothing to do with the resource stays.
func TestUnrelatedFunctionsStay(t *testing.T) {
	f := link(t, guestOf("0.2.0", "wasi:io/poll", "wasi:clocks/monotonic-clock#now"),
		func(l *component.Linker) error { return wasi.DefinePoll(l, &virtual{now: 5}) })
	f.wants("43", "wasi:clocks/monotonic-clock#now")
	f.wants("true", "wasi:io/poll#[method]pollable.ready", &instant{&virtual{now: 5}, 5})
}

// nodes returns descriptors by their Go type.
type nodes struct{ root *node }

func (n nodes) GetDirectories(*wasmtime.Caller) ([]component.Tuple2[*node, string], error) {
	return []component.Tuple2[*node, string]{{A: n.root, B: "/"}}, nil
}

// A function may return a resource as whatever implements its interface.
func TestConcreteTypes(t *testing.T) {
	root := &node{}
	f := link(t, guestOf("0.2.0", "wasi:filesystem/preopens", "wasi:filesystem/types#[method]descriptor.get-type"),
		func(l *component.Linker) error { return wasi.DefinePreopens(l, nodes{root}) },
		func(l *component.Linker) error {
			return wasi.DefineFilesystemTypes(l, wasi.FilesystemTypes[*component.Resource](filesystem{}))
		})
	dir := f.get("wasi:filesystem/preopens#get-directories").([]any)[0].([]any)[0]
	Equal(t, "directory", dir, any(root))
	f.wants("regular-file", "wasi:filesystem/types#[method]descriptor.get-type", dir)
}

// What is defined twice is an error, unless shadowing is allowed; and so is what is nil.
func TestDefinedTwice(t *testing.T) {
	l := component.NewLinker(EngineWith(t, CompilesQuickly))
	defer l.Close()
	Check(t, wasi.DefineWallClock(l, wallClock{}))
	if err := wasi.DefineWallClock(l, wallClock{}); err == nil || !strings.Contains(err.Error(), "defined already") {
		t.Errorf("twice: %v", err)
	}
	Check(t, wasi.DefineTCP(l))
	if err := wasi.DefineTCP(l); err == nil || !strings.Contains(err.Error(), "tcp-socket") {
		t.Errorf("a resource twice: %v", err)
	}
	l.AllowShadowing(true)
	Check(t, wasi.DefineWallClock(l, wallClock{}))
	Check(t, wasi.DefineTCP(l))
	for name, err := range map[string]error{
		"wall-clock": wasi.DefineWallClock(l, nil), "stdin": wasi.DefineStdin[*component.Resource](l, nil),
		"wasi:filesystem/types": wasi.DefineFilesystemTypes[wasi.Error](l, nil), "network": wasi.DefineNetworkUnstable[wasi.Error](l, nil),
	} {
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "nil") {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.Close()
	if err := wasi.DefineWallClock(l, wallClock{}); !errors.Is(err, wasmtime.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if err := wasi.DefineStreams(l); !errors.Is(err, wasmtime.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// Names in WIT are what values of WASI's types show, and numbers that have none are numbers.
func TestTexts(t *testing.T) {
	for got, want := range map[string]string{
		wasi.FilesystemErrorCodeNoEntry.Error():                            "no-entry",
		wasi.DescriptorTypeFifo.String():                                   "fifo",
		wasi.DescriptorType(99).String():                                   "99",
		(wasi.OpenFlagsCreate | wasi.OpenFlagsTruncate).String():           "create|truncate",
		(wasi.PathFlags(2)).String():                                       "0x2",
		wasi.StreamErrorClosed().Error():                                   "closed",
		wasi.StreamErrorLastOperationFailed(&component.Resource{}).Error(): "last-operation-failed",
		wasi.UnsupportedDescriptor{}.Sync(nil).Error():                     "unsupported",
		wasi.UnsupportedOutputStream{}.Flush(nil).Error():                  "wasi:io/streams#[method]output-stream.flush: " + wasmtime.ErrUnsupported.Error(),
	} {
		Equal(t, "text", got, want)
	}
}
