//! The text of a backtrace. It is upstream's, but for names: upstream demangles those, too, that are not mangled, so
//! that a function `s` becomes a `short`.

use std::fmt::Write as _;
use wasmtime::{FrameInfo, WasmBacktrace};

/// What upstream ends a text with when the guest has more to tell.
const NOTE: &str = "\nnote: using the `WASMTIME_BACKTRACE_DETAILS=1`";

/// The text of a backtrace, whose text upstream writes as `upstream`.
pub(crate) fn text(backtrace: &WasmBacktrace, upstream: &str) -> String {
    let mut text = String::from("error while executing at wasm backtrace:\n");
    for (i, frame) in backtrace.frames().iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "  {i:>3}: ");
        if let Some(offset) = frame.module_offset() {
            let _ = write!(text, "{offset:#8x} - ");
        }
        if frame.symbols().is_empty() {
            text.push_str(frame.module().name().unwrap_or("<unknown>"));
            text.push('!');
            text.push_str(&function(frame));
        }
        for (i, symbol) in frame.symbols().iter().enumerate() {
            if i > 0 {
                text.push_str("\n                - ");
            }
            match symbol.name() {
                Some(name) => text.push_str(&demangled(name)),
                None if i == 0 => text.push_str(&function(frame)),
                None => text.push_str("<inlined function>"),
            }
            let Some(file) = symbol.file() else { continue };
            let _ = write!(text, "\n                    at {file}");
            if let Some(line) = symbol.line() {
                let _ = write!(text, ":{line}");
                if let Some(column) = symbol.column() {
                    let _ = write!(text, ":{column}");
                }
            }
        }
    }
    if let Some(at) = upstream.rfind(NOTE) {
        text.push_str(&upstream[at..]);
    }
    text
}

/// The name of a frame's function, or its number.
fn function(frame: &FrameInfo) -> String {
    match frame.func_name() {
        Some(name) => demangled(name),
        None => format!("<wasm function {}>", frame.func_index()),
    }
}

/// A name as its language has it, if it is mangled.
fn demangled(name: &str) -> String {
    #[cfg(feature = "demangle")]
    {
        let plain = name.trim_start_matches('_');
        let mangled = plain.len() < name.len() && plain.starts_with(['Z', 'R']);
        if mangled && let Ok(rust) = rustc_demangle::try_demangle(name) {
            return rust.to_string();
        }
        if mangled
            && plain.starts_with('Z')
            && let Ok(symbol) = cpp_demangle::Symbol::new(name)
            && let Ok(cpp) = symbol.demangle()
        {
            return cpp;
        }
    }
    name.to_owned()
}
