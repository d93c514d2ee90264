//! `poll_oneoff`.

use crate::guest::{Errno, Guest};
use crate::temp::TempDir;
use std::fs::File;
use std::io::{Write, pipe};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime_ext::*;

const SUBSCRIPTIONS: i32 = 2048;
const EVENTS: i32 = 8192;
const COUNT: i32 = 8;

enum Sub {
    Clock { id: u8, ns: u64, absolute: bool },
    Read(u32),
    Write(u32),
}

#[derive(Debug, PartialEq)]
struct Event {
    userdata: u64,
    errno: u16,
    kind: u8,
    bytes: u64,
    hangup: bool,
}

fn poll(guest: &mut Guest, subs: &[Sub]) -> Vec<Event> {
    for (i, sub) in subs.iter().enumerate() {
        let mut bytes = [0_u8; 48];
        bytes[0] = 100 + i as u8;
        match sub {
            Sub::Clock { id, ns, absolute } => {
                bytes[16] = *id;
                bytes[24..32].copy_from_slice(&ns.to_le_bytes());
                bytes[40] = u8::from(*absolute);
            }
            Sub::Read(fd) | Sub::Write(fd) => {
                bytes[8] = if matches!(sub, Sub::Read(_)) { 1 } else { 2 };
                bytes[16..20].copy_from_slice(&fd.to_le_bytes());
            }
        }
        guest.put(SUBSCRIPTIONS + 48 * i as i32, &bytes);
    }
    let args = [SUBSCRIPTIONS.into(), EVENTS.into(), (subs.len() as i32).into(), COUNT.into()];
    assert_eq!(guest.call("poll_oneoff", &args), Errno::Success);
    let count = guest.u32(COUNT) as i32;
    (0..count)
        .map(|i| {
            let at = EVENTS + 32 * i;
            Event {
                userdata: guest.u64(at) - 100,
                errno: guest.u16(at + 8),
                kind: guest.bytes(at + 10, 1)[0],
                bytes: guest.u64(at + 16),
                hangup: guest.u16(at + 24) == 1,
            }
        })
        .collect()
}

fn event(userdata: u64, kind: u8, bytes: u64) -> Event {
    Event { userdata, errno: 0, kind, bytes, hangup: false }
}

const MS: u64 = 1_000_000;

#[test]
fn clocks() {
    let mut guest = Guest::new();
    let args = [SUBSCRIPTIONS.into(), EVENTS.into(), 0.into(), COUNT.into()];
    assert_eq!(guest.call("poll_oneoff", &args), Errno::Inval);

    for id in [0, 1] {
        let start = Instant::now();
        let relative = Sub::Clock { id, ns: 20 * MS, absolute: false };
        assert_eq!(poll(&mut guest, &[relative]), [event(0, 0, 0)]);
        assert!(start.elapsed() >= Duration::from_millis(20));

        assert_eq!(guest.call("clock_time_get", &[i32::from(id).into(), 0_i64.into(), COUNT.into()]), Errno::Success);
        let now = guest.u64(COUNT);
        let start = Instant::now();
        let absolute = Sub::Clock { id, ns: now + 20 * MS, absolute: true };
        assert_eq!(poll(&mut guest, &[absolute]), [event(0, 0, 0)]);
        assert!(start.elapsed() >= Duration::from_millis(19), "{:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_millis(500));
        let past = Sub::Clock { id, ns: now, absolute: true };
        assert_eq!(poll(&mut guest, &[past]), [event(0, 0, 0)]);
    }
    let nearest = [
        Sub::Clock { id: 1, ns: u64::MAX, absolute: false },
        Sub::Clock { id: 1, ns: MS, absolute: false },
        Sub::Clock { id: 0, ns: u64::MAX, absolute: true },
    ];
    assert_eq!(poll(&mut guest, &nearest), [event(1, 0, 0)]);
    let cpu = poll(&mut guest, &[Sub::Clock { id: 2, ns: 0, absolute: false }]);
    assert_eq!(cpu[0].errno, Errno::Inval as u16);
}

#[test]
fn a_pipe_and_a_clock() {
    let (reader, mut writer) = pipe().unwrap();
    let (other_reader, other_writer) = pipe().unwrap();
    let mut guest = Guest::new();
    let input = guest.push(&reader, WASMTIME_FILE_READ_ONLY);
    let output = guest.push(&other_writer, WASMTIME_FILE_WRITE_ONLY);
    let soon = || Sub::Clock { id: 1, ns: 10 * MS, absolute: false };
    let late = || Sub::Clock { id: 1, ns: 10_000 * MS, absolute: false };

    assert_eq!(poll(&mut guest, &[Sub::Read(input), soon()]), [event(1, 0, 0)]);
    assert_eq!(poll(&mut guest, &[Sub::Read(input), Sub::Write(output), late()]), [event(1, 2, 1)]);
    let waker = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        writer.write_all(b"abc").unwrap();
        writer
    });
    assert_eq!(poll(&mut guest, &[late(), Sub::Read(input)]), [event(1, 1, 3)]);
    drop(waker.join().unwrap());
    let hungup = Event { userdata: 0, errno: 0, kind: 1, bytes: 3, hangup: true };
    assert_eq!(poll(&mut guest, &[Sub::Read(input)]), [hungup]);
    assert_eq!(guest.read(input as i32, 10).unwrap(), b"abc");
    let empty = Event { userdata: 0, errno: 0, kind: 1, bytes: 0, hangup: true };
    assert_eq!(poll(&mut guest, &[Sub::Read(input)]), [empty]);
    drop(other_reader);
    let broken = Event { userdata: 0, errno: 0, kind: 2, bytes: 1, hangup: true };
    assert_eq!(poll(&mut guest, &[Sub::Write(output)]), [broken]);
}

#[test]
fn files_are_always_ready_and_errors_are_events() {
    let dir = TempDir::new();
    let path = dir.file("f", "0123456789");
    let mut guest = Guest::new();
    let fd = guest.push(&File::open(&path).unwrap(), WASMTIME_FILE_READ_ONLY);
    assert_eq!(guest.read(fd as i32, 4).unwrap(), b"0123");
    assert_eq!(poll(&mut guest, &[Sub::Read(fd)]), [event(0, 1, 6)]);
    let bad = |userdata, kind| Event { userdata, errno: Errno::Badf as u16, kind, bytes: 0, hangup: false };
    let asked = [Sub::Read(99), Sub::Write(fd), Sub::Read(fd), Sub::Clock { id: 1, ns: 9_999 * MS, absolute: false }];
    // The access mode says nothing about readiness, as on Linux.
    assert_eq!(poll(&mut guest, &asked), [bad(0, 1), event(1, 2, 1), event(2, 1, 6)]);
}
