package component_test

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
)

// Nothing is left of what has changed hands: neither when all of it has been dropped, nor when the store is closed with
// it.
func TestWasiHandsLeakNothing(t *testing.T) {
	listener := Must(net.Listen("tcp4", "127.0.0.1:0"))
	defer listener.Close()
	file := TempFile(t, text)
	use := func(drop bool) {
		store := wasmtime.NewStore(stdEngine())
		t.Cleanup(store.Close) // it is not garbage, and open if everything is dropped
		Check(t, store.ConfigureWasi(wasmtime.NewWasiConfig()))
		done := make(chan struct{})
		all := []*component.Resource{
			Must(component.NewInput(store, strings.NewReader(text))),
			Must(component.NewOutput(store, io.Discard)),
			Must(component.NewPollable(store, done)),
			Must(component.WasiDescriptor(store, Must(store.PushFile(file, wasmtime.READ_ONLY)))),
			Must(component.WasiInput(store, Must(store.PushFile(file, wasmtime.READ_ONLY)))),
			Must(component.WasiDescriptor(store, Must(store.PushFS(fstest.MapFS{"f": {}}, "")))),
		}
		dir := Must(component.WasiFile(store, all[5]))
		Must(dir.ReadDir(-1))
		opened := Must(dir.OpenFile("f", os.O_RDONLY))
		Must(io.ReadAll(Must(component.WasiReader(store, all[0]))))
		peer := Must(net.Dial("tcp4", listener.Addr().String()))
		defer peer.Close()
		conn := Must(listener.Accept())
		defer conn.Close()
		for _, given := range []net.Conn{conn, wrapped{conn}} {
			socket, input, output, err := component.WasiSocket(store, Must(store.PushConn(given)))
			Check(t, err)
			all = append(all, input, output, socket)
		}
		listening, _, _, err := component.WasiSocket(store, Must(store.PushListener(listener)))
		Check(t, err)
		if !drop {
			store.Close()
			return
		}
		Check(t, opened.Close())
		for _, r := range append(all, listening) {
			Check(t, r.Drop(nil))
		}
		Equal(t, "free", Must(store.PushReader(strings.NewReader(""))), 3)
	}
	count := func() int { return len(Must(os.ReadDir("/proc/self/fd"))) }
	use(true)
	use(false)
	descriptors, goroutines := count(), runtime.NumGoroutine()
	for i := range 100 {
		use(i%2 == 0)
	}
	settled(t, goroutines)
	for range 100 {
		if count() <= descriptors {
			return
		}
		time.Sleep(10 * time.Millisecond) // what is slow to close is closed by a goroutine
	}
	t.Errorf("%d descriptors, there were %d", count(), descriptors)
}
