package ffi

/*
#include "store.h"

wasmtime_error_t *gowasmtimeWallClock(uint64_t env, wasmtime_wasi_time_t *now);
wasmtime_error_t *gowasmtimeMonotonicClock(uint64_t env, wasmtime_wasi_time_t *now);
wasmtime_error_t *gowasmtimeSecureRandom(uint64_t env, uint8_t *data, size_t len);
wasmtime_error_t *gowasmtimeInsecureRandom(uint64_t env, uint8_t *data, size_t len);
wasmtime_error_t *gowasmtimeSocketAddrCheck(uint64_t env, wasmtime_wasi_socket_addr_t *addr, uint32_t reason, bool *allowed);
void gowasmtimeSystemGone(uint64_t env);

static inline void ffi_serve_system(wasmtime_wasi_system_t *s, uint64_t env, bool wall_clock, bool monotonic_clock,
                                    bool secure_random, bool insecure_random, bool socket_addr_check) {
  s->env = env;
  s->gone = gowasmtimeSystemGone;
  s->wall_clock = wall_clock ? gowasmtimeWallClock : NULL;
  s->monotonic_clock = monotonic_clock ? gowasmtimeMonotonicClock : NULL;
  s->secure_random = secure_random ? gowasmtimeSecureRandom : NULL;
  s->insecure_random = insecure_random ? gowasmtimeInsecureRandom : NULL;
  s->socket_addr_check =
      socket_addr_check ? (wasmtime_wasi_socket_addr_check_callback_t)gowasmtimeSocketAddrCheck : NULL;
}
*/
import "C"

import "unsafe"

// WasiSystem is what the system is for a guest besides its files. Its zero value is what a guest has by default.
type WasiSystem struct {
	WallClock, MonotonicClock             WasiClock
	SecureRandom, InsecureRandom          bool
	InsecureRandomSeed                    *[2]uint64 // low half, high half
	MaxRandomSize                         *uint64
	InitialDir                            *string
	AllowTCP, AllowUDP, AllowIPNameLookup bool
	InheritNetwork, SocketAddrCheck       bool
}

// WasiClock says whether Go serves a clock, and what its resolution is, in nanoseconds.
type WasiClock struct {
	Served     bool
	Resolution uint64
}

// Serves tells whether Go serves any part of it.
func (s *WasiSystem) Serves() bool {
	return s.WallClock.Served || s.MonotonicClock.Served || s.SecureRandom || s.InsecureRandom || s.SocketAddrCheck
}

// text is how many bytes of text there are.
func (s *WasiSystem) text() uintptr {
	if s == nil || s.InitialDir == nil {
		return 0
	}
	return uintptr(len(*s.InitialDir))
}

// write fills a structure of zeros. env is what the callbacks get.
func (s *WasiSystem) write(to *C.wasmtime_wasi_system_t, a *arena, env uint64) {
	if s.Serves() {
		C.ffi_serve_system(to, C.uint64_t(env), C.bool(s.WallClock.Served), C.bool(s.MonotonicClock.Served),
			C.bool(s.SecureRandom), C.bool(s.InsecureRandom), C.bool(s.SocketAddrCheck))
	}
	to.wall_clock_resolution = C.uint64_t(s.WallClock.Resolution)
	to.monotonic_clock_resolution = C.uint64_t(s.MonotonicClock.Resolution)
	if seed := s.InsecureRandomSeed; seed != nil {
		to.has_insecure_random_seed = true
		to.insecure_random_seed = [2]C.uint64_t{C.uint64_t(seed[0]), C.uint64_t(seed[1])}
	}
	if size := s.MaxRandomSize; size != nil {
		to.has_max_random_size, to.max_random_size = true, C.uint64_t(*size)
	}
	if dir := s.InitialDir; dir != nil {
		to.has_initial_dir, to.initial_dir = true, a.str(*dir)
	}
	to.allow_tcp, to.allow_udp = C.bool(s.AllowTCP), C.bool(s.AllowUDP)
	to.allow_ip_name_lookup, to.inherit_network = C.bool(s.AllowIPNameLookup), C.bool(s.InheritNetwork)
}

// WasiTime is what a clock says: the mirror of wasmtime_wasi_time_t.
type WasiTime struct {
	Seconds     uint64
	Nanoseconds uint32
}

// SocketAddr is an IP address with a port: the mirror of wasmtime_wasi_socket_addr_t.
type SocketAddr struct {
	IP                [16]byte
	IPv6              bool
	Port              uint16
	FlowInfo, ScopeID uint32
}

// The C structures and their mirrors must be one.
var (
	_ [unsafe.Sizeof(C.wasmtime_wasi_time_t{}) - unsafe.Sizeof(WasiTime{})]byte
	_ [unsafe.Sizeof(WasiTime{}) - unsafe.Sizeof(C.wasmtime_wasi_time_t{})]byte
	_ [unsafe.Sizeof(C.wasmtime_wasi_socket_addr_t{}) - unsafe.Sizeof(SocketAddr{})]byte
	_ [unsafe.Sizeof(SocketAddr{}) - unsafe.Sizeof(C.wasmtime_wasi_socket_addr_t{})]byte
)

// What sockets do with addresses.
const (
	SocketTCPBind    uint32 = C.WASMTIME_WASI_SOCKET_TCP_BIND
	SocketTCPListen  uint32 = C.WASMTIME_WASI_SOCKET_TCP_LISTEN
	SocketTCPAccept  uint32 = C.WASMTIME_WASI_SOCKET_TCP_ACCEPT
	SocketTCPConnect uint32 = C.WASMTIME_WASI_SOCKET_TCP_CONNECT
	SocketUDPBind    uint32 = C.WASMTIME_WASI_SOCKET_UDP_BIND
	SocketUDPSend    uint32 = C.WASMTIME_WASI_SOCKET_UDP_SEND
	SocketUDPReceive uint32 = C.WASMTIME_WASI_SOCKET_UDP_RECEIVE
)

// The callbacks, set once by the package above before anything is called. They must not panic. The error, which is
// made with NewError, ends the guest.
var (
	OnWallClock       func(env uint64, now *WasiTime) Error
	OnMonotonicClock  func(env uint64, now *WasiTime) Error
	OnSecureRandom    func(env uint64, p []byte) Error
	OnInsecureRandom  func(env uint64, p []byte) Error
	OnSocketAddrCheck func(env uint64, addr *SocketAddr, use uint32) (bool, Error)
	OnSystemGone      func(env uint64)
)

//export gowasmtimeWallClock
func gowasmtimeWallClock(env C.uint64_t, now *C.wasmtime_wasi_time_t) *C.wasmtime_error_t {
	return OnWallClock(uint64(env), (*WasiTime)(unsafe.Pointer(now))).release()
}

//export gowasmtimeMonotonicClock
func gowasmtimeMonotonicClock(env C.uint64_t, now *C.wasmtime_wasi_time_t) *C.wasmtime_error_t {
	return OnMonotonicClock(uint64(env), (*WasiTime)(unsafe.Pointer(now))).release()
}

//export gowasmtimeSecureRandom
func gowasmtimeSecureRandom(env C.uint64_t, data *C.uint8_t, len C.size_t) *C.wasmtime_error_t {
	return OnSecureRandom(uint64(env), unsafe.Slice((*byte)(data), int(len))).release()
}

//export gowasmtimeInsecureRandom
func gowasmtimeInsecureRandom(env C.uint64_t, data *C.uint8_t, len C.size_t) *C.wasmtime_error_t {
	return OnInsecureRandom(uint64(env), unsafe.Slice((*byte)(data), int(len))).release()
}

//export gowasmtimeSocketAddrCheck
func gowasmtimeSocketAddrCheck(env C.uint64_t, addr *C.wasmtime_wasi_socket_addr_t, reason C.uint32_t, allowed *C.bool) *C.wasmtime_error_t {
	ok, err := OnSocketAddrCheck(uint64(env), (*SocketAddr)(unsafe.Pointer(addr)), uint32(reason))
	*allowed = C.bool(ok)
	return err.release()
}

//export gowasmtimeSystemGone
func gowasmtimeSystemGone(env C.uint64_t) { OnSystemGone(uint64(env)) }
