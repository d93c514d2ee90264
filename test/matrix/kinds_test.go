//go:build linux

package matrix_test

import "syscall"

// kind is a kind of object in its situations.
type kind struct {
	name string
	// modes are the access modes with which the operating system opens the object. A socket has but one.
	modes []int
	// narrows says that opening the object for more than the mode needs changes nothing but what is allowed, so that
	// the guest's mode can stand for the host's.
	narrows bool
	// socket and directory say which operations apply.
	socket, directory bool
	situations        []situation
}

type situation struct {
	name string
	make func(w *workplace, mode int, nonblock bool) *object
}

const digits = "0123456789"

// kinds are all kinds of objects.
var kinds = []kind{
	{name: "file", modes: allModes, narrows: true, situations: []situation{
		{"content", regular(digits, 0, 0)},
		{"inside", regular(digits, 4, 0)},
		{"end", regular(digits, 10, 0)},
		{"beyond", regular(digits, 15, 0)},
		{"empty", regular("", 0, 0)},
		{"append", regular(digits, 0, syscall.O_APPEND)},
	}},
	{name: "pipe-out", modes: []int{readOnly}, situations: []situation{
		{"empty", pipeOut("", true)},
		{"data", pipeOut(digits, true)},
		{"closed", pipeOut("", false)},
		{"data-closed", pipeOut(digits, false)},
	}},
	{name: "pipe-in", modes: []int{writeOnly}, situations: []situation{
		{"room", pipeIn(empty, true)},
		{"data", pipeIn(some, true)},
		{"nearly-full", pipeIn(nearlyFull, true)},
		{"full", pipeIn(full, true)},
		{"closed", pipeIn(empty, false)},
		{"full-closed", pipeIn(full, false)},
	}},
	{name: "pipe-both", modes: []int{readWrite}, situations: []situation{
		{"empty", pipeBoth(empty)},
		{"data", pipeBoth(some)},
	}},
	{name: "terminal", modes: allModes, narrows: true, situations: []situation{
		{"idle", terminal("", true)},
		{"line", terminal("typed\n", true)},
		{"part", terminal("typ", true)},
		{"closed", terminal("", false)},
	}},
	{name: "null", modes: allModes, narrows: true, situations: []situation{{"device", device("/dev/null")}}},
	{name: "zero", modes: allModes, narrows: true, situations: []situation{{"device", device("/dev/zero")}}},
	{name: "full", modes: allModes, narrows: true, situations: []situation{{"device", device("/dev/full")}}},
	{name: "unix", modes: []int{readWrite}, socket: true, situations: streams(unixStream, fullSocket)},
	{name: "tcp", modes: []int{readWrite}, socket: true, situations: streams(tcpStream, fullConnection)},
	{name: "unix-listener", modes: []int{readWrite}, socket: true, situations: listeners(syscall.AF_UNIX)},
	{name: "tcp-listener", modes: []int{readWrite}, socket: true, situations: listeners(syscall.AF_INET)},
	{name: "directory", modes: []int{readOnly}, directory: true, situations: []situation{{"tree", directory}}},
}

func streams(stream func(prepare func(int, *peer) int) func(*workplace, int, bool) *object, full func(int, *peer) int) []situation {
	return []situation{
		{"fresh", stream(fresh)},
		{"data", stream(withData)},
		{"closed", stream(peerClosed)},
		{"data-closed", stream(dataPeerClosed)},
		{"half-closed", stream(halfClosed)},
		{"data-half-closed", stream(dataHalfClosed)},
		{"deaf", stream(noMoreReads)},
		{"full", stream(full)},
	}
}

func listeners(family int) []situation {
	return []situation{
		{"idle", listener(family, 0)},
		{"waiting", listener(family, 1)},
		{"two-waiting", listener(family, 2)},
	}
}
