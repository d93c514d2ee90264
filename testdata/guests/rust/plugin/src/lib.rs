//! The plugin of `examples/plugin` in Rust. What it has in common with those in Go and C:
//!
//! - `alloc(n)` is where the host puts `n` bytes, which are the argument of the next call;
//! - every other function takes the address and the length of its argument, and returns those of its answer as
//!   `address << 32 | length`, good until the next call.

use std::mem::take;
use std::sync::Mutex;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Asks the host for the value of a setting, and returns how many bytes of it are in the buffer.
    fn setting(name: *const u8, name_len: usize, buffer: *mut u8, room: usize) -> usize;
}

/// The argument, or the answer.
static HELD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn reply(bytes: Vec<u8>) -> u64 {
    let mut held = HELD.lock().unwrap();
    *held = bytes;
    (held.as_ptr() as u64) << 32 | held.len() as u64
}

#[unsafe(no_mangle)]
extern "C" fn alloc(n: usize) -> u32 {
    (reply(vec![0; n]) >> 32) as u32
}

// The argument is what is held, so its address and its length say nothing new.

#[unsafe(no_mangle)]
extern "C" fn greet(_: *const u8, _: usize) -> u64 {
    let name = take(&mut *HELD.lock().unwrap());
    let (key, mut text) = ("greeting", [0; 64]);
    // SAFETY: the host reads the key, and writes no more than there is room for.
    let n = unsafe { setting(key.as_ptr(), key.len(), text.as_mut_ptr(), text.len()) };
    let (greeting, name) = (String::from_utf8_lossy(&text[..n]), String::from_utf8_lossy(&name));
    reply(format!("{greeting}, {name}! This is Rust.").into_bytes())
}

#[unsafe(no_mangle)]
extern "C" fn reverse(_: *const u8, _: usize) -> u64 {
    let mut data = take(&mut *HELD.lock().unwrap());
    data.reverse();
    reply(data)
}
