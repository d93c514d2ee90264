//! Clocks and random numbers of a binding, as a guest of WASI 0.1 sees them, and the life of their callbacks.

use crate::guest::{BUFFER, Errno, Guest, MEMORY, RESULT, failure, no_options, ok, string};
use std::ffi::CString;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use wasmtime_c_api::{wasi_config_new, wasmtime_context_set_wasi, wasmtime_error_new, wasmtime_error_t};
use wasmtime_ext::wasmtime_error_code_t::*;
use wasmtime_ext::*;

/// What the callbacks of the tests say, and what they have heard.
#[derive(Default)]
pub struct Said {
    pub seconds: u64,
    pub nanoseconds: u32,
    pub asked: u32,
    pub random: u8,
    pub fails: bool,
    pub gone: u32,
    pub addresses: Vec<(String, u32)>,
    pub refused: Vec<u32>,
}

pub type Shared = Mutex<Said>;

fn said<'a>(env: u64) -> &'a Shared {
    // SAFETY: the tests give the address of a `Shared` that outlives the store.
    unsafe { &*std::ptr::with_exposed_provenance(env as usize) }
}

fn fails(text: &str) -> Option<Box<wasmtime_error_t>> {
    let text = CString::new(text).unwrap();
    wasmtime_error_new(text.as_ptr())
}

extern "C" fn now(env: u64, now: *mut wasmtime_wasi_time_t) -> Option<Box<wasmtime_error_t>> {
    let mut said = said(env).lock().unwrap();
    said.asked += 1;
    if said.fails {
        return fails("the clock has stopped");
    }
    // SAFETY: the shim gives a place for the time.
    unsafe { *now = wasmtime_wasi_time_t { seconds: said.seconds, nanoseconds: said.nanoseconds } };
    None
}

/// Counts upwards, byte by byte.
extern "C" fn fill(env: u64, data: *mut u8, len: usize) -> Option<Box<wasmtime_error_t>> {
    let mut said = said(env).lock().unwrap();
    said.asked += 1;
    if said.fails {
        return fails("no entropy");
    }
    for i in 0..len {
        // SAFETY: the shim gives as much memory as it says.
        unsafe { *data.add(i) = said.random };
        said.random = said.random.wrapping_add(1);
    }
    None
}

extern "C" fn check(
    env: u64,
    addr: *const wasmtime_wasi_socket_addr_t,
    reason: u32,
    allowed: *mut bool,
) -> Option<Box<wasmtime_error_t>> {
    let mut said = said(env).lock().unwrap();
    // SAFETY: the shim gives an address and a place for the answer.
    let (addr, allowed) = unsafe { (&*addr, &mut *allowed) };
    let ip = match addr.ipv6 {
        true => std::net::IpAddr::from(addr.ip),
        false => std::net::IpAddr::from(<[u8; 4]>::try_from(&addr.ip[..4]).unwrap()),
    };
    said.addresses.push((std::net::SocketAddr::new(ip, addr.port).to_string(), reason));
    *allowed = !said.refused.contains(&reason);
    if said.fails { fails("the check has failed") } else { None }
}

extern "C" fn gone(env: u64) {
    said(env).lock().unwrap().gone += 1;
}

/// A system of which nothing is set.
pub fn no_system() -> wasmtime_wasi_system_t {
    wasmtime_wasi_system_t {
        env: 0,
        gone: None,
        wall_clock: None,
        wall_clock_resolution: 0,
        monotonic_clock: None,
        monotonic_clock_resolution: 0,
        secure_random: None,
        insecure_random: None,
        has_insecure_random_seed: false,
        insecure_random_seed: [0; 2],
        has_max_random_size: false,
        max_random_size: 0,
        has_initial_dir: false,
        initial_dir: string(""),
        allow_tcp: false,
        allow_udp: false,
        allow_ip_name_lookup: false,
        inherit_network: false,
        socket_addr_check: None,
    }
}

/// A system with all callbacks.
pub fn system(said: &Shared) -> wasmtime_wasi_system_t {
    wasmtime_wasi_system_t {
        env: std::ptr::from_ref(said).expose_provenance() as u64,
        gone: Some(gone),
        wall_clock: Some(now),
        wall_clock_resolution: 1_000_000_007,
        monotonic_clock: Some(now),
        monotonic_clock_resolution: 0,
        secure_random: Some(fill),
        insecure_random: Some(fill),
        socket_addr_check: Some(check),
        ..no_system()
    }
}

pub fn options(system: &wasmtime_wasi_system_t) -> wasmtime_wasi_options_t {
    wasmtime_wasi_options_t { system, ..no_options() }
}

fn time(guest: &mut Guest, clock: i32) -> Result<u64, Errno> {
    match guest.call("clock_time_get", &[clock.into(), 0_i64.into(), RESULT.into()]) {
        Errno::Success => Ok(guest.u64(RESULT)),
        errno => Err(errno),
    }
}

fn resolution(guest: &mut Guest, clock: i32) -> u64 {
    assert_eq!(guest.call("clock_res_get", &[clock.into(), RESULT.into()]), Errno::Success);
    guest.u64(RESULT)
}

fn random(guest: &mut Guest, len: i32) -> Vec<u8> {
    assert_eq!(guest.call("random_get", &[BUFFER.into(), len.into()]), Errno::Success);
    guest.bytes(BUFFER, len as usize)
}

#[test]
fn a_guest_sees_the_clocks_and_the_bytes() {
    let said = Shared::new(Said { seconds: 5, nanoseconds: 7, ..Said::default() });
    let mut guest = Guest::with(&options(&system(&said)));
    assert_eq!(time(&mut guest, 0), Ok(5_000_000_007));
    assert_eq!(time(&mut guest, 1), Ok(5_000_000_007));
    assert_eq!(time(&mut guest, 2), Err(Errno::Badf));
    assert_eq!(time(&mut guest, 3), Err(Errno::Badf));
    assert_eq!(resolution(&mut guest, 0), 1_000_000_007);
    assert_eq!(resolution(&mut guest, 1), 1);
    said.lock().unwrap().nanoseconds = u32::MAX;
    assert_eq!(time(&mut guest, 0), Ok(5_000_000_000 + u64::from(u32::MAX)), "nanoseconds carry");
    said.lock().unwrap().seconds = u64::MAX / 1_000_000_000;
    assert_eq!(time(&mut guest, 0), Err(Errno::Overflow));
    assert_eq!(random(&mut guest, 0), [0; 0]);
    assert_eq!(random(&mut guest, 3), [0, 1, 2]);
    assert_eq!(random(&mut guest, 200), (3..203).collect::<Vec<u8>>());
    assert_eq!(said.lock().unwrap().asked, 7, "one call for each question, however many bytes");
}

#[test]
fn the_hosts_own_by_default() {
    let said = Shared::default();
    let only_random = wasmtime_wasi_system_t { wall_clock: None, monotonic_clock: None, ..system(&said) };
    for system in [no_system(), only_random] {
        let mut guest = Guest::with(&options(&system));
        let wall = Duration::from_nanos(time(&mut guest, 0).unwrap());
        let host = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert!(host.abs_diff(wall) < Duration::from_secs(60), "{wall:?} and {host:?}");
        assert!(time(&mut guest, 1).unwrap() <= time(&mut guest, 1).unwrap());
        assert!(resolution(&mut guest, 0) >= 1);
    }
    assert_ne!(random(&mut Guest::with(&options(&no_system())), 32), [0; 32]);
}

#[test]
fn random_bytes_stay_within_bounds() {
    let said = Shared::default();
    let limited = wasmtime_wasi_system_t { has_max_random_size: true, max_random_size: 100, ..system(&said) };
    let mut guest = Guest::with(&options(&limited));
    assert_eq!(random(&mut guest, 100).len(), 100);
    let get = |guest: &mut Guest, at: i32, len: i32| {
        format!("{:?}", guest.try_call("random_get", &[at.into(), len.into()]).unwrap_err())
    };
    assert!(get(&mut guest, BUFFER, 101).contains("requested len 101 exceeds limit 100"));
    assert!(get(&mut guest, 4 << 16, 1).contains("out of bounds"));
    assert!(get(&mut guest, -1, 100).contains("out of bounds"));
    assert_eq!(said.lock().unwrap().asked, 1);
    // The limit goes for the host's generator as well.
    let limited = wasmtime_wasi_system_t { secure_random: None, ..limited };
    let mut guest = Guest::with(&options(&limited));
    assert_eq!(random(&mut guest, 100).len(), 100);
    assert!(get(&mut guest, BUFFER, 101).contains("requested len 101 exceeds limit 100"));
}

#[test]
fn failures_end_the_guest() {
    let said = Shared::default();
    let mut guest = Guest::with(&options(&system(&said)));
    assert_eq!(random(&mut guest, 4), [0, 1, 2, 3]);
    said.lock().unwrap().fails = true;
    let mut subscription = [0_u8; 48];
    subscription[40] = 1;
    guest.put(2048, &subscription);
    let calls = [
        ("clock_time_get", vec![0.into(), 0_i64.into(), RESULT.into()], "the clock has stopped"),
        ("random_get", vec![BUFFER.into(), 4.into()], "no entropy"),
        ("poll_oneoff", vec![2048.into(), 8192.into(), 1.into(), RESULT.into()], "the clock has stopped"),
    ];
    for (name, args, text) in calls {
        let error = format!("{:?}", guest.try_call(name, &args).unwrap_err());
        assert!(error.contains(text), "{name}: {error}");
    }
    assert_eq!(guest.bytes(BUFFER, 4), [0, 1, 2, 3], "the buffer is as it was");
    // SAFETY: the store is live.
    ok(unsafe { wasmtime_context_take_wasi_failure(guest.context()) });
    said.lock().unwrap().fails = false;
    assert_eq!(random(&mut guest, 2), [4, 5], "the store goes on");
}

#[test]
fn a_poll_waits_in_the_hosts_time() {
    let said = Shared::new(Said { seconds: 1_000_000, ..Said::default() });
    let mut guest = Guest::with(&options(&system(&said)));
    let mut poll = |clock: u8, timeout: u64, absolute: bool| {
        let mut subscription = [0_u8; 48];
        subscription[16] = clock;
        subscription[24..32].copy_from_slice(&timeout.to_le_bytes());
        subscription[40] = u8::from(absolute);
        guest.put(2048, &subscription);
        let start = Instant::now();
        let args = [2048.into(), 8192.into(), 1.into(), RESULT.into()];
        assert_eq!(guest.call("poll_oneoff", &args), Errno::Success);
        assert_eq!((guest.u32(RESULT), guest.u16(8192 + 8)), (1, 0));
        start.elapsed()
    };
    let (now, ms) = (1_000_000_000_000_000, 1_000_000);
    for clock in [0, 1] {
        let long = Duration::from_secs(20);
        assert!(poll(clock, 0, false) < long);
        assert!(poll(clock, now, true) < long, "a time that has come");
        assert!(poll(clock, 1, true) < long, "a time that is past");
        for (timeout, absolute) in [(20 * ms, false), (now + 20 * ms, true)] {
            let waited = poll(clock, timeout, absolute);
            assert!((Duration::from_millis(20)..long).contains(&waited), "{waited:?}");
        }
    }
    assert_eq!(said.lock().unwrap().asked, 6, "a clock is asked for absolute times, once");
}

#[test]
fn callbacks_hear_of_their_end_once() {
    let said = Shared::default();
    let gone = || said.lock().unwrap().gone;
    let system = system(&said);
    let mut guest = Guest::with(&options(&system));
    assert_eq!(gone(), 0);
    // SAFETY: the options are of this process.
    ok(unsafe { wasmtime_context_set_wasi_options(guest.context(), &options(&system)) });
    assert_eq!(gone(), 1, "configured anew");
    ok(wasmtime_context_set_wasi(guest.context(), wasi_config_new()));
    assert_eq!(gone(), 2, "configured by the C API");
    // SAFETY: as above.
    ok(unsafe { wasmtime_context_set_wasi_options(guest.context(), &options(&system)) });
    drop(guest);
    assert_eq!(gone(), 3, "deleted");
}

#[test]
fn errors_leave_the_callbacks_to_the_caller() {
    let said = Shared::default();
    let mut guest = Guest::new();
    for (dir, text) in [("a\0b", "zero byte"), ("\u{ff}", "UTF-8")] {
        let mut initial_dir = string(dir);
        if text == "UTF-8" {
            initial_dir.len = 1; // half of a character
        }
        let system = wasmtime_wasi_system_t { has_initial_dir: true, initial_dir, ..system(&said) };
        // SAFETY: the options are of this process.
        let error = failure(unsafe { wasmtime_context_set_wasi_options(guest.context(), &options(&system)) });
        assert_eq!(error.0, WASMTIME_ERROR_BAD_ARGUMENT, "{}", error.1);
        assert!(error.1.contains(text), "{} is not in {}", text, error.1);
    }
    assert_eq!(said.lock().unwrap().gone, 0);
}

#[test]
fn failures_of_other_stores() {
    // SAFETY: the stores are live.
    unsafe {
        let mut none = Guest::in_store(MEMORY, |_| ());
        ok(wasmtime_context_take_wasi_failure(none.context()));
        let mut official = Guest::official();
        ok(wasmtime_context_take_wasi_failure(official.context()));
        ok(wasmtime_context_take_wasi_failure(Guest::new().context()));
    }
}
