//! Traps and errors as bytes: one crossing tells a binding all about a failure and frees it. A native error holds on
//! to what its backtrace was made of, half a megabyte after a deep recursion, and no collector of a binding knows of
//! it.
//!
//! Little-endian. `str` is a `u32` length and UTF-8 bytes.
//!
//! - A record is `u32` `wasmtime_error_code`, `u8` whether there is a trap's code, `u8` that code, `u8` whether there
//!   is an exit status, `i32` that status, `u8` whether it is an exception of the store, texts, frames.
//! - Texts are `u32` count, and a str for each error in the chain, the outermost first.
//! - Frames are `u32` count, and for each, the innermost first: `u32` index of the function, `u64` offset in the
//!   function, `u64` offset in the module, the optional name of the function and of the module.
//! - An optional name is `u8` whether there is one, and if so a str.
//!
//! An offset that is not known is `UINT64_MAX`. Of frames there are as many as `Config::wasm_backtrace_max_frames`
//! allows.

use crate::backtrace;
use crate::cast;
use crate::error::{ExtError, code_of, wasmtime_error_code_t};
use crate::guard::guard;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime::{Engine, Error, Result, Store, ThrownException, Trap, WasmBacktrace};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasm_byte_vec_t, wasm_trap_t, wasmtime_error_t};
use wasmtime_wasi::I32Exit;

/// Takes a trap: writes its record to `*out`, which the caller owns, and frees it.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_trap_take(trap: Box<wasm_trap_t>, out: &mut wasm_byte_vec_t) {
    out.set_buffer(take(cast::unwrap_trap(*trap)));
}

/// Takes an error: writes its record to `*out`, which the caller owns, and frees it.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_error_take(error: Box<wasmtime_error_t>, out: &mut wasm_byte_vec_t) {
    out.set_buffer(take((*error).into()));
}

/// Makes a trap of a record, for a host function to end a call of the store with, and stores it in `*out`. If the
/// record has frames, what comes of that call, through however many guests, is the same record again. Otherwise the
/// call's own frames are added to it, as to any error. Bytes that are no record are a `WASMTIME_ERROR_BAD_ARGUMENT`.
///
/// # Safety
///
/// `record` must be valid for `len` bytes and `out` for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_trap_new(
    context: WasmtimeStoreContextMut<'_>,
    record: *const u8,
    len: usize,
    out: *mut *mut wasm_trap_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        // SAFETY: the caller vouches for the bytes.
        let error = remake(context.engine(), unsafe { cast::bytes(record, len) })?;
        // SAFETY: the caller vouches for `out`.
        unsafe { *out = Box::into_raw(Box::new(cast::wrap_trap(error))) };
        Ok(())
    })
}

/// A record that was made an error again.
#[derive(Debug)]
struct Again(Vec<u8>);

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a failure that a host function has passed on")
    }
}

/// The record of an error, which is gone then. A panic on the way is what the record says instead.
fn take(error: Error) -> Vec<u8> {
    catch_unwind(AssertUnwindSafe(move || record(&error)))
        .unwrap_or_else(|payload| record(&crate::guard::panic_error(payload)))
}

fn record(error: &Error) -> Vec<u8> {
    if let Some(again) = error.downcast_ref::<Again>() {
        return again.0.clone();
    }
    let mut w = Writer(Vec::new());
    w.0.extend((code_of(error) as u32).to_le_bytes());
    let trap = error.downcast_ref::<Trap>();
    w.0.extend([u8::from(trap.is_some()), trap.map_or(0, |trap| *trap as u8)]);
    let exit = error.downcast_ref::<I32Exit>();
    w.0.push(u8::from(exit.is_some()));
    w.0.extend(exit.map_or(0, |exit| exit.0).to_le_bytes());
    w.0.push(u8::from(error.is::<ThrownException>()));
    let texts = texts(error);
    w.count(texts.len());
    texts.iter().for_each(|text| w.str(text));
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    w.count(frames.len());
    for frame in frames {
        w.0.extend(frame.func_index().to_le_bytes());
        for offset in [frame.func_offset(), frame.module_offset()] {
            w.0.extend(offset.map_or(u64::MAX, |offset| offset as u64).to_le_bytes());
        }
        w.name(frame.func_name());
        w.name(frame.module().name());
    }
    w.0
}

/// What each error in the chain says, the outermost first.
fn texts(error: &Error) -> Vec<String> {
    let mut texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        let upstream = backtrace.to_string();
        if let Some(text) = texts.iter_mut().find(|text| **text == upstream) {
            *text = backtrace::text(backtrace, &upstream);
        }
    }
    texts
}

/// Makes the error that a record is of.
fn remake(engine: &Engine, bytes: &[u8]) -> Result<Error> {
    let mut r = Reader(bytes);
    let _code = r.array::<4>()?;
    let [has_trap, trap, _] = r.array()?;
    let _status = r.array::<4>()?;
    let [thrown] = r.array()?;
    let mut trap = if has_trap == 0 { None } else { Some(Trap::from_u8(trap).ok_or_else(malformed)?) };
    let mut texts = Vec::new();
    for _ in 0..r.count()? {
        texts.push(r.str()?);
    }
    if r.count()? > 0 {
        let error = match trap {
            Some(trap) => trap.into(),
            None if thrown != 0 => ThrownException.into(),
            None => Error::msg("a failure"),
        };
        // An error that has a backtrace, be it an empty one, does not get another from each guest on its way.
        let none = WasmBacktrace::capture(Store::new(engine, ()));
        return Ok(error.context(none).context(Again(bytes.to_vec())));
    }
    let mut error: Option<Error> = None;
    for text in texts.into_iter().rev() {
        // A trap that says so itself still has its code.
        let itself = trap.take_if(|trap| trap.to_string() == text);
        error = Some(match (error, itself) {
            (None, None) if thrown != 0 => ThrownException.into(),
            (None, Some(trap)) => trap.into(),
            (None, None) => Error::msg(text),
            (Some(error), Some(trap)) => error.context(trap),
            (Some(error), None) => error.context(text),
        });
    }
    error.ok_or_else(malformed)
}

fn malformed() -> Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, "the bytes are no record of a trap")
}

struct Writer(Vec<u8>);

impl Writer {
    /// What does not fit into a `u32` is cut: no text of an error is that long.
    fn count(&mut self, n: usize) {
        self.0.extend(u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn str(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    fn name(&mut self, name: Option<&str>) {
        self.0.push(u8::from(name.is_some()));
        if let Some(name) = name {
            self.str(name);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk().ok_or_else(malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    fn count(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn str(&mut self) -> Result<String> {
        let len = self.count()? as usize;
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(String::from_utf8_lossy(head).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{Instance, Module};

    /// The error that a function `f` of a module ends with.
    fn failure(wat: &str) -> Error {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, wat).unwrap(), &[]).unwrap();
        instance.get_typed_func::<(), ()>(&mut store, "f").unwrap().call(&mut store, ()).unwrap_err()
    }

    /// The text of a whole error, as upstream lays it out.
    fn laid_out(texts: &[String]) -> String {
        let mut text = texts[0].clone();
        if texts.len() > 1 {
            text.push_str("\n\nCaused by:\n");
        }
        for (i, cause) in texts[1..].iter().enumerate() {
            text.push_str(&if texts.len() > 2 { format!("{i: >5}: ") } else { "    ".to_owned() });
            text.push_str(cause);
            text.push('\n');
        }
        text
    }

    /// Only what is mangled is demangled, and all else is as upstream has it.
    #[test]
    fn names() {
        for (name, shown) in [
            ("s", "s"),
            ("i", "i"),
            ("v", "v"),
            ("St", "St"),
            ("main", "main"),
            ("_start", "_start"),
            ("_Run", "_Run"),
            ("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt::h0123456789abcdef"),
            ("_RNvC7mycrate3foo", "mycrate::foo"),
            ("_ZN3foo3barEv", "foo::bar()"),
            ("__Z3fooi", "foo(int)"),
        ] {
            let error = failure(&format!(r#"(module $m (func ${name} (export "f") unreachable))"#));
            let texts = texts(&error);
            assert!(texts[0].ends_with(&format!("m!{shown}")), "{name}: {}", texts[0]);
            let upstream = format!("{error:?}");
            if !matches!(name, "s" | "i" | "v" | "St") {
                assert_eq!(laid_out(&texts), upstream);
            }
        }
    }

    /// A trap that was taken and made anew says the same, has its code, and gets no other backtrace if it has one.
    #[test]
    fn made_anew() {
        let engine = Engine::default();
        let errors = [
            failure(r#"(module (func (export "f") unreachable))"#),
            failure(r#"(module (memory 1) (func (export "f") (drop (i32.load (i32.const -1)))))"#),
            failure(r#"(module (func $r (export "f") call $r))"#),
            Error::msg("a message").context("around it"),
            Error::msg("a message").context(Trap::Interrupt),
            Trap::OutOfFuel.into(),
        ];
        for error in errors {
            let (code, has_frames) = (error.downcast_ref::<Trap>().copied(), error.is::<WasmBacktrace>());
            let bytes = take(error);
            let again = remake(&engine, &bytes).unwrap();
            assert_eq!(again.downcast_ref::<Trap>().copied(), code);
            assert_eq!(again.is::<WasmBacktrace>(), has_frames);
            assert_eq!(take(again), bytes);
        }
        for bytes in [&[][..], &[0; 4], &[0; 15], &[1; 40]] {
            assert!(remake(&engine, bytes).is_err());
        }
    }
}
