//! Uses of the Rust runtime that could meet another copy of it in the same program: allocation, threads, thread-local
//! values with destructors, the panic hook, unwinding, the standard library's caches.
#![deny(unsafe_op_in_unsafe_fn)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// Counts the words of a text in a hash map, and returns how many different ones there are.
///
/// # Safety
///
/// `text` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn second_words(text: *const u8, len: usize) -> u64 {
    // SAFETY: as the caller promises.
    let text = unsafe { std::slice::from_raw_parts(text, len) };
    let mut counts = HashMap::<String, u64>::new();
    for word in String::from_utf8_lossy(text).split_whitespace() {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    counts.len() as u64
}

/// Adds the numbers below `n` in `n` threads.
#[unsafe(no_mangle)]
pub extern "C" fn second_threads(n: u64) -> u64 {
    let (send, receive) = mpsc::channel();
    let threads: Vec<_> = (0..n)
        .map(|i| {
            let send = send.clone();
            thread::spawn(move || send.send(vec![i; 1000].into_iter().max()))
        })
        .collect();
    drop(send);
    for thread in threads {
        let _ = thread.join();
    }
    receive.iter().flatten().sum()
}

static HOOKED: AtomicU64 = AtomicU64::new(0);

/// Makes this library's panics silent, and counts them from now on.
#[unsafe(no_mangle)]
pub extern "C" fn second_hook() {
    panic::set_hook(Box::new(|_| {
        HOOKED.fetch_add(1, Ordering::Relaxed);
    }));
}

/// How many panics the hook has seen.
#[unsafe(no_mangle)]
pub extern "C" fn second_hooked() -> u64 {
    HOOKED.load(Ordering::Relaxed)
}

struct Bomb<'a>(&'a RefCell<Vec<u64>>, u64);

impl Drop for Bomb<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

/// Panics `depth` frames down, catches it, and returns how many destructors ran on the way.
#[unsafe(no_mangle)]
pub extern "C" fn second_panic(depth: u64) -> u64 {
    fn down(log: &RefCell<Vec<u64>>, depth: u64) -> u64 {
        let _bomb = Bomb(log, depth);
        if depth == 0 {
            panic!("the second library panics");
        }
        down(log, depth - 1) + 1
    }
    let log = RefCell::new(Vec::new());
    let result = panic::catch_unwind(AssertUnwindSafe(|| down(&log, depth)));
    match result {
        Err(payload) if payload.downcast_ref::<&str>() == Some(&"the second library panics") => {
            log.borrow().len() as u64
        }
        _ => 0,
    }
}

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a string in this thread and returns how many it has; they are freed when the thread ends.
#[unsafe(no_mangle)]
pub extern "C" fn second_remember(n: u64) -> u64 {
    SEEN.with_borrow_mut(|seen| {
        seen.push(n.to_string());
        seen.len() as u64
    })
}
