package testkit

import (
	"encoding/binary"
	"strings"
)

// Iovec sets the size of the one buffer that reads and writes use.
func (g *WasiGuest) Iovec(n int) {
	if n > GuestRoom {
		panic("the guest's buffer is too small")
	}
	g.Mem.PutUint32(GuestIovec, GuestBuffer)
	g.Mem.PutUint32(GuestIovec+4, uint32(n))
}

// Transferred is what is in the buffer after a read that ended so.
func (g *WasiGuest) Transferred(errno Errno) (string, Errno) {
	if errno != ErrnoSuccess {
		return "", errno
	}
	s, ok := g.Mem.String(GuestBuffer, uint64(g.Result32()))
	if !ok {
		g.TB.Error("more than the buffer was read")
	}
	return s, errno
}

// Result32 is the 32-bit result that the last call left in memory.
func (g *WasiGuest) Result32() uint32 { n, _ := g.Mem.Uint32(GuestResult); return n }

// Result64 is the 64-bit result that the last call left in memory.
func (g *WasiGuest) Result64() uint64 { n, _ := g.Mem.Uint64(GuestResult); return n }

// Read is fd_read, of up to n bytes.
func (g *WasiGuest) Read(fd uint32, n int) (string, Errno) {
	g.Iovec(n)
	return g.Transferred(g.Call("fd_read", int(fd), GuestIovec, 1, GuestResult))
}

// Pread is fd_pread, of up to n bytes at an offset.
func (g *WasiGuest) Pread(fd uint32, n int, offset int64) (string, Errno) {
	g.Iovec(n)
	return g.Transferred(g.Call("fd_pread", int(fd), GuestIovec, 1, offset, GuestResult))
}

// Write is fd_write. It returns how many bytes were written.
func (g *WasiGuest) Write(fd uint32, s string) (int, Errno) {
	g.Iovec(len(s))
	g.Mem.Write(GuestBuffer, []byte(s))
	errno := g.Call("fd_write", int(fd), GuestIovec, 1, GuestResult)
	return int(g.Result32()), errno
}

// Pwrite is fd_pwrite, at an offset. It returns how many bytes were written.
func (g *WasiGuest) Pwrite(fd uint32, s string, offset int64) (int, Errno) {
	g.Iovec(len(s))
	g.Mem.Write(GuestBuffer, []byte(s))
	errno := g.Call("fd_pwrite", int(fd), GuestIovec, 1, offset, GuestResult)
	return int(g.Result32()), errno
}

// ReadAll reads to the end, or to an error.
func (g *WasiGuest) ReadAll(fd uint32) (string, Errno) {
	var all strings.Builder
	for {
		s, errno := g.Read(fd, GuestRoom)
		if errno != ErrnoSuccess || s == "" {
			return all.String(), errno
		}
		all.WriteString(s)
	}
}

// Seek is fd_seek; whence is 0 for the start, 1 for the position, 2 for the end. It returns the new position.
func (g *WasiGuest) Seek(fd uint32, offset int64, whence int) (int64, Errno) {
	errno := g.Call("fd_seek", int(fd), offset, whence, GuestResult)
	return int64(g.Result64()), errno
}

// Tell is fd_tell: the position.
func (g *WasiGuest) Tell(fd uint32) (int64, Errno) {
	errno := g.Call("fd_tell", int(fd), GuestResult)
	return int64(g.Result64()), errno
}

// Accept is sock_accept, with flags for the descriptor that it returns.
func (g *WasiGuest) Accept(fd uint32, flags int) (uint32, Errno) {
	errno := g.Call("sock_accept", int(fd), flags, GuestResult)
	return g.Result32(), errno
}

// Recv is sock_recv, of up to n bytes, with Peek and WaitAll.
func (g *WasiGuest) Recv(fd uint32, n, flags int) (string, Errno) {
	g.Iovec(n)
	return g.Transferred(g.Call("sock_recv", int(fd), GuestIovec, 1, flags, GuestResult, GuestResult+8))
}

// Send is sock_send. It returns how many bytes were sent.
func (g *WasiGuest) Send(fd uint32, s string) (int, Errno) {
	g.Iovec(len(s))
	g.Mem.Write(GuestBuffer, []byte(s))
	errno := g.Call("sock_send", int(fd), GuestIovec, 1, 0, GuestResult)
	return int(g.Result32()), errno
}

// SetFlags is fd_fdstat_set_flags, with all flags that the descriptor is to have.
func (g *WasiGuest) SetFlags(fd uint32, flags int) Errno {
	return g.Call("fd_fdstat_set_flags", int(fd), flags)
}

// Close is fd_close.
func (g *WasiGuest) Close(fd uint32) Errno { return g.Call("fd_close", int(fd)) }

// IsOpen tells whether the guest has the descriptor.
func (g *WasiGuest) IsOpen(fd uint32) bool {
	_, errno := g.Fdstat(fd)
	return errno == ErrnoSuccess
}

// Fdstat is fd_fdstat_get.
func (g *WasiGuest) Fdstat(fd uint32) (Fdstat, Errno) {
	errno := g.Call("fd_fdstat_get", int(fd), GuestResult)
	b := make([]byte, 24)
	g.Mem.Read(GuestResult, b)
	return Fdstat{b[0], binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint64(b[8:])}, errno
}

// Filestat is fd_filestat_get.
func (g *WasiGuest) Filestat(fd uint32) (Filestat, Errno) {
	errno := g.Call("fd_filestat_get", int(fd), GuestResult)
	return g.filestat(), errno
}

// filestat is the result that a call left in memory.
func (g *WasiGuest) filestat() Filestat {
	b := make([]byte, 64)
	g.Mem.Read(GuestResult, b)
	u := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	return Filestat{u(0), u(8), b[16], u(24), u(32), u(40), u(48), u(56)}
}

// PutPath writes a path into the guest's memory, where it is an argument of calls.
func (g *WasiGuest) PutPath(path string) { g.Mem.Write(GuestPath, []byte(path)) }

// Open is path_open, below a directory and for reading and writing.
func (g *WasiGuest) Open(dir uint32, path string, oflags int) (uint32, Errno) {
	return g.OpenRights(dir, path, oflags, RightRead|RightWrite|RightSeek)
}

// OpenRights is Open with rights.
func (g *WasiGuest) OpenRights(dir uint32, path string, oflags int, rights int64) (uint32, Errno) {
	g.PutPath(path)
	errno := g.Call("path_open", int(dir), 0, GuestPath, len(path), oflags, rights, int64(0), 0, GuestResult)
	return g.Result32(), errno
}

// PollRead is poll_oneoff: it waits until a descriptor can be read or the time in nanoseconds is over; 0 is no time
// limit. It returns the events' types and, for the descriptor, bytes and hang-up.
func (g *WasiGuest) PollRead(fd uint32, timeout uint64) (kinds []byte, bytes uint64, hangup bool) {
	const subscriptions, events = GuestBuffer, GuestBuffer + 4096
	sub := make([]byte, 96)
	sub[8] = 1 // fd_read
	binary.LittleEndian.PutUint32(sub[16:], fd)
	count := 1
	if timeout > 0 {
		binary.LittleEndian.PutUint32(sub[48+16:], 1) // monotonic
		binary.LittleEndian.PutUint64(sub[48+24:], timeout)
		count = 2
	}
	g.Mem.Write(subscriptions, sub)
	if errno := g.Call("poll_oneoff", subscriptions, events, count, GuestResult); errno != ErrnoSuccess {
		g.TB.Errorf("poll_oneoff: errno %d", errno)
		return nil, 0, false
	}
	happened := make([]byte, 32*g.Result32())
	g.Mem.Read(events, happened)
	for ; len(happened) > 0; happened = happened[32:] {
		kinds = append(kinds, happened[10])
		if happened[10] == 1 {
			bytes = binary.LittleEndian.Uint64(happened[16:])
			hangup = happened[24]&1 != 0
		}
	}
	return kinds, bytes, hangup
}

// PollWrite is poll_oneoff, for writing to a descriptor and for a clock that is over at once. It returns the events'
// types.
func (g *WasiGuest) PollWrite(fd byte) (kinds []byte) {
	const subscriptions, events = GuestBuffer, GuestBuffer + 4096
	sub := make([]byte, 96)
	sub[8], sub[16] = 2, fd // fd_write
	sub[48+16], sub[48+24] = 1, 1
	g.Mem.Write(subscriptions, sub)
	WantErrno(g.TB, "poll_oneoff", g.Call("poll_oneoff", subscriptions, events, 2, GuestResult), ErrnoSuccess)
	happened := make([]byte, 32*g.Result32())
	g.Mem.Read(events, happened)
	for ; len(happened) > 0; happened = happened[32:] {
		kinds = append(kinds, happened[10])
	}
	return kinds
}

// Strings reads what args_get and environ_get give; what is "args" or "environ".
func (g *WasiGuest) Strings(what string) []string {
	g.TB.Helper()
	WantErrno(g.TB, what+"_sizes_get", g.Call(what+"_sizes_get", GuestResult, GuestResult+4), ErrnoSuccess)
	count := g.Result32()
	size, _ := g.Mem.Uint32(GuestResult + 4)
	WantErrno(g.TB, what+"_get", g.Call(what+"_get", GuestBuffer, GuestBuffer+4*int(count)), ErrnoSuccess)
	all, ok := g.Mem.String(GuestBuffer+4*uint64(count), uint64(size))
	if !ok {
		g.TB.Fatalf("%s: %d bytes", what, size)
	}
	list := strings.Split(strings.TrimSuffix(all, "\x00"), "\x00")
	if count == 0 {
		list = nil
	}
	if len(list) != int(count) {
		g.TB.Errorf("%s: %d strings, not %d: %q", what, len(list), count, list)
	}
	return list
}

// Clock is clock_time_get, in nanoseconds.
func (g *WasiGuest) Clock(id int) (uint64, Errno) {
	errno := g.Call("clock_time_get", id, int64(0), GuestResult)
	return g.Result64(), errno
}

// Resolution is clock_res_get, in nanoseconds.
func (g *WasiGuest) Resolution(id int) (uint64, Errno) {
	errno := g.Call("clock_res_get", id, GuestResult)
	return g.Result64(), errno
}

// PollClock is poll_oneoff for one clock, with a time in nanoseconds. It returns how the event ended, and an error
// instead of failing the test.
func (g *WasiGuest) PollClock(id byte, timeout uint64, absolute bool) (Errno, error) {
	sub := make([]byte, 48)
	sub[16] = id
	binary.LittleEndian.PutUint64(sub[24:], timeout)
	if absolute {
		sub[40] = 1
	}
	g.Mem.Write(GuestBuffer, sub)
	result, err := g.Instance.GetFunc(g.Store, "poll_oneoff").Call(g.Store, GuestBuffer, GuestBuffer+4096, 1, GuestResult)
	if err != nil {
		return 0, err
	}
	WantErrno(g.TB, "poll_oneoff", Errno(result.(int32)), ErrnoSuccess)
	Equal(g.TB, "events", g.Result32(), 1)
	errno, _ := g.Mem.Uint16(GuestBuffer + 4096 + 8)
	return Errno(errno), nil
}

// Random is random_get, of n bytes. It returns an error instead of failing the test.
func (g *WasiGuest) Random(n int) (string, error) {
	result, err := g.Instance.GetFunc(g.Store, "random_get").Call(g.Store, GuestBuffer, n)
	if err != nil {
		return "", err
	}
	WantErrno(g.TB, "random_get", Errno(result.(int32)), ErrnoSuccess)
	s, _ := g.Mem.String(GuestBuffer, uint64(n))
	return s, nil
}
