//! The WASI 0.1 configuration of a store, as plain C structures.

use super::descriptors::Entry;
use super::find::{may_wait, place};
use super::host::{AccessMode, HostDir, HostFile};
use super::state::{ArgsAndEnv, State};
use super::stream::{Stream, wasmtime_binding_stream_callback_t};
use super::strings::{Strings, TooLong};
use super::system::{self, Network, wasmtime_wasi_system_t};
use super::upstream::Upstream;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::store::{Whole, wasmtime_binding_store_t};
use crate::{cast, guard::guard};
use std::ffi::c_void;
use std::path::Path;
use std::ptr;
use wasmtime::AsContextMut;
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_error_t};
use wasmtime_wasi::random::DEFAULT_MAX_SIZE;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// Bytes that the caller owns, such as UTF-8 text; no terminating zero is needed.
///
/// `data` may be null when `len` is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_string_t {
    /// The first byte.
    pub data: *const u8,
    /// How many bytes there are.
    pub len: usize,
}

/// An environment variable.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_env_t {
    /// Its name.
    pub name: wasmtime_wasi_string_t,
    /// Its value.
    pub value: wasmtime_wasi_string_t,
}

/// A directory of the host that the guest finds open.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_preopen_t {
    /// Where it is on the host.
    pub host_path: wasmtime_wasi_string_t,
    /// What the guest calls it; UTF-8.
    pub guest_path: wasmtime_wasi_string_t,
    /// Whether nothing below it can be changed, created or removed.
    pub read_only: bool,
}

/// The guest reads an empty stream, and what it writes is thrown away.
pub const WASMTIME_WASI_STDIO_NONE: u32 = 0;
/// The guest shares the stream of the process with the same number.
pub const WASMTIME_WASI_STDIO_INHERIT: u32 = 1;
/// The guest gets a duplicate of an open file, as with `wasmtime_context_insert_file`.
pub const WASMTIME_WASI_STDIO_FILE: u32 = 2;

/// The guest gets a stream that the binding serves, a pipe as far as it can see: for
/// `wasmtime_binding_store_set_wasi` only.
pub const WASMTIME_WASI_STDIO_STREAM: u32 = 3;

/// What a standard stream of the guest is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_stdio_t {
    /// One of the `WASMTIME_WASI_STDIO_*` constants.
    pub kind: u32,
    /// The file when `kind` is `WASMTIME_WASI_STDIO_FILE`: a descriptor on Unix, a `HANDLE` on Windows. When it is
    /// `WASMTIME_WASI_STDIO_STREAM`, what the stream's callback gets as `env`, as a number.
    pub host_fd: *mut c_void,
}

/// The WASI 0.1 configuration of a store. All zero is a valid one: no arguments, no environment, no files.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_options_t {
    /// The arguments, the name of the program first.
    pub args: *const wasmtime_wasi_string_t,
    /// How many arguments there are.
    pub args_len: usize,
    /// The environment.
    pub env: *const wasmtime_wasi_env_t,
    /// How many variables there are.
    pub env_len: usize,
    /// The directories; the guest finds them at the descriptors from 3 on, in this order.
    pub preopens: *const wasmtime_wasi_preopen_t,
    /// How many directories there are.
    pub preopens_len: usize,
    /// Standard input, which can only be read.
    pub stdin_stream: wasmtime_wasi_stdio_t,
    /// Standard output, which can only be written.
    pub stdout_stream: wasmtime_wasi_stdio_t,
    /// Standard error, which can only be written.
    pub stderr_stream: wasmtime_wasi_stdio_t,
    /// Whether the arguments of the process come before `args`. With musl none are known, unless `main` is Rust's.
    pub inherit_args: bool,
    /// Whether the environment of the process comes before `env`.
    pub inherit_env: bool,
    /// Clocks, random numbers, the network, the initial directory. Null leaves all of them at what they are by default.
    pub system: *const wasmtime_wasi_system_t,
}

/// Configures WASI 0.1 in a store, for guests that were linked through `wasmtime_linker_define_wasi_p1`.
///
/// Everything in `options` is copied or duplicated; nothing of it need outlive the call. A store that had a WASI
/// configuration gets the new one in its place, and all descriptors of the old one are closed. Reading and writing
/// files blocks the thread that runs the guest.
///
/// Arguments and variables are bytes without zeros among them. Nothing of `options` but the directories and the
/// system is seen by components in the same store.
///
/// Returns null, or an error that the caller owns; on an error nothing has changed. Codes:
/// `WASMTIME_ERROR_BAD_ARGUMENT` (a zero inside a string, a guest path or an initial directory that is not UTF-8, an
/// unknown kind of stream), `WASMTIME_ERROR_BAD_HOST_FILE` and `WASMTIME_ERROR_UNSUPPORTED` as with
/// `wasmtime_context_insert_file`; a directory that cannot be opened is named in the message.
///
/// # Safety
///
/// `context` must be live and not in use by another thread. Every pointer in `options` must be readable for the length
/// beside it, and nobody may close the files in it during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_set_wasi_options(
    context: WasmtimeStoreContextMut<'_>,
    options: &wasmtime_wasi_options_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for the options.
    guard(move || unsafe { set(context, options, ptr::null(), None) })
}

/// `wasmtime_context_set_wasi_options` for a binding's store: a guest that waits in a WASI call is stopped by
/// `wasmtime_binding_store_interrupt`, and standard streams may be streams that `callback` serves, as after
/// `wasmtime_binding_store_insert_stream`. It hears `WASMTIME_STREAM_GONE` of them if and only if this succeeds.
///
/// The binding's store keeps the configuration beside the C API's own, which is made when a guest first asks for what
/// is in there, or now if there are directories or a system. `wasmtime_context_set_wasi` changes nothing here for
/// guests of WASI 0.1 afterwards.
///
/// # Safety
///
/// As for `wasmtime_context_set_wasi_options`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_set_wasi(
    store: *mut wasmtime_binding_store_t,
    options: &wasmtime_wasi_options_t,
    callback: wasmtime_binding_stream_callback_t,
) -> Option<Box<wasmtime_error_t>> {
    // SAFETY: the caller vouches for both.
    guard(move || unsafe { configure(Whole::of(store), options, callback) })
}

/// Configures a binding's store.
///
/// # Safety
///
/// As for [`wasmtime_binding_store_set_wasi`].
pub(crate) unsafe fn configure(
    whole: *mut Whole,
    options: &wasmtime_wasi_options_t,
    callback: wasmtime_binding_stream_callback_t,
) -> wasmtime::Result<()> {
    // SAFETY: the caller vouches for the store and for the options; all of the store outlives what is in it.
    unsafe {
        let store = cast::store(&mut (*whole).store);
        set(store.as_context_mut(), options, whole, Some(callback))
    }
}

/// # Safety
///
/// The options must be good, and `whole` be the store with all that belongs to it, or null.
unsafe fn set(
    mut context: WasmtimeStoreContextMut<'_>,
    options: &wasmtime_wasi_options_t,
    whole: *const Whole,
    callback: Option<wasmtime_binding_stream_callback_t>,
) -> wasmtime::Result<()> {
    // SAFETY: the caller promises that the pointers in the options are good.
    let strings = unsafe { strings(options) }?;
    // SAFETY: as above, and the files stay open.
    let stdio = unsafe {
        [stdio(0, options.stdin_stream)?, stdio(1, options.stdout_stream)?, stdio(2, options.stderr_stream)?]
    };
    let streams = streams(options, callback)?;
    // SAFETY: as above.
    let preopens = unsafe { list(options.preopens, options.preopens_len, "preopens") }?;
    let mut directories = Vec::with_capacity(preopens.len());
    let mut system = None;
    let mut network = Network::default();
    let mut max_random_size = DEFAULT_MAX_SIZE;
    let upstream = if may_wait(context.as_context_mut()) && preopens.is_empty() && options.system.is_null() {
        Upstream::later(context.as_context_mut())
    } else {
        let mut config = Upstream::config();
        let builder = cast::wasi_config(&mut config);
        for preopen in preopens {
            // SAFETY: as above.
            directories.push(unsafe { open(builder, preopen) }?);
        }
        // SAFETY: as above.
        if let Some(options) = unsafe { options.system.as_ref() } {
            // SAFETY: as above.
            (system, network) = unsafe { system::apply(options, builder) }?;
            max_random_size = options.most_random();
        }
        Upstream::configured(context.as_context_mut(), config)?
    };
    // Nothing fails from here on, so the end of what is made of them is told rightly.
    let mut state = State::new(stdio, directories, strings, system.clone(), upstream, whole);
    state.network = network;
    state.max_random_size = max_random_size;
    // SAFETY: as above.
    if let Some(max) = unsafe { whole.as_ref() }.and_then(|whole| whole.max_resources.get()) {
        state.descriptors.max = max;
    }
    for (fd, env, callback) in streams.into_iter().flatten() {
        state.descriptors.put(fd, Entry::Stream(Stream::pipe(env, callback, stdio_access(fd))));
    }
    place(context, state)?;
    if let Some(system) = system {
        system.place();
    }
    Ok(())
}

pub(super) fn bad_argument(message: impl Into<String>) -> wasmtime::Error {
    ExtError::error(wasmtime_error_code_t::WASMTIME_ERROR_BAD_ARGUMENT, message)
}

/// An array from C.
///
/// # Safety
///
/// Unless null, `data` must be readable for `len` elements as long as the result lives.
unsafe fn list<'a, T>(data: *const T, len: usize, what: &str) -> wasmtime::Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() || !data.is_aligned() {
        return Err(bad_argument(format!("{what}: a null or misaligned pointer to {len} elements")));
    }
    // SAFETY: not null, aligned, and readable as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// The bytes of a string that has no zeros in it.
///
/// # Safety
///
/// As for [`list`].
pub(super) unsafe fn bytes<'a>(string: wasmtime_wasi_string_t, what: &str) -> wasmtime::Result<&'a [u8]> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { list(string.data, string.len, what) }?;
    if bytes.contains(&0) {
        return Err(bad_argument(format!("{what}: a zero byte in {:?}", String::from_utf8_lossy(bytes))));
    }
    Ok(bytes)
}

/// A string of UTF-8 that has no zeros in it.
///
/// # Safety
///
/// As for [`list`].
pub(super) unsafe fn utf8<'a>(string: wasmtime_wasi_string_t, what: &str) -> wasmtime::Result<&'a str> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { bytes(string, what) }?;
    std::str::from_utf8(bytes).map_err(|_| bad_argument(format!("{what}: not UTF-8")))
}

/// # Safety
///
/// The pointers in `options` must be good.
unsafe fn strings(options: &wasmtime_wasi_options_t) -> wasmtime::Result<ArgsAndEnv> {
    let too_long = |TooLong| bad_argument("arguments or environment of more than 4 GiB");
    let mut all = ArgsAndEnv::default();
    if options.inherit_args {
        for arg in std::env::args_os() {
            all.args.push(&[arg.as_encoded_bytes()]).map_err(too_long)?;
        }
    }
    // SAFETY: as the caller promises.
    for arg in unsafe { list(options.args, options.args_len, "args") }? {
        // SAFETY: as the caller promises.
        all.args.push(&[unsafe { bytes(*arg, "args") }?]).map_err(too_long)?;
    }
    let variable = |env: &mut Strings, name: &[u8], value: &[u8]| env.push(&[name, b"=", value]).map_err(too_long);
    if options.inherit_env {
        for (name, value) in std::env::vars_os() {
            variable(&mut all.env, name.as_encoded_bytes(), value.as_encoded_bytes())?;
        }
    }
    // SAFETY: as the caller promises.
    for env in unsafe { list(options.env, options.env_len, "env") }? {
        // SAFETY: as the caller promises.
        let (name, value) = unsafe { (bytes(env.name, "env")?, bytes(env.value, "env")?) };
        variable(&mut all.env, name, value)?;
    }
    Ok(all)
}

/// # Safety
///
/// The file in `stream` must stay open during the call.
unsafe fn stdio(fd: u32, stream: wasmtime_wasi_stdio_t) -> wasmtime::Result<Option<Entry>> {
    let access = stdio_access(fd);
    let file = match stream.kind {
        WASMTIME_WASI_STDIO_NONE => HostFile::null(access)?,
        WASMTIME_WASI_STDIO_INHERIT => HostFile::standard(fd as i32)?,
        WASMTIME_WASI_STDIO_STREAM => return Ok(None),
        // SAFETY: as the caller promises.
        WASMTIME_WASI_STDIO_FILE => unsafe { HostFile::duplicate(stream.host_fd, access) }?,
        other => return Err(bad_argument(format!("{other} is no kind of standard stream"))),
    };
    Ok(Some(Entry::Host(file)))
}

/// What can be done with a standard stream.
fn stdio_access(fd: u32) -> AccessMode {
    if fd == 0 { AccessMode::ReadOnly } else { AccessMode::WriteOnly }
}

/// The standard streams that the binding serves: their descriptors, their numbers there, and who serves them.
fn streams(
    options: &wasmtime_wasi_options_t,
    callback: Option<wasmtime_binding_stream_callback_t>,
) -> wasmtime::Result<[Option<(u32, u64, wasmtime_binding_stream_callback_t)>; 3]> {
    let mut streams = [None; 3];
    let all = [options.stdin_stream, options.stdout_stream, options.stderr_stream];
    for (fd, (stream, of)) in (0..).zip(streams.iter_mut().zip(all)) {
        if of.kind == WASMTIME_WASI_STDIO_STREAM {
            let callback =
                callback.ok_or_else(|| bad_argument("nobody serves a standard stream that is to be served"))?;
            *stream = Some((fd, of.host_fd as u64, callback));
        }
    }
    Ok(streams)
}

/// Opens a directory, for the guest and for components.
///
/// # Safety
///
/// The pointers in `preopen` must be good.
unsafe fn open(builder: &mut WasiCtxBuilder, preopen: &wasmtime_wasi_preopen_t) -> wasmtime::Result<Entry> {
    // SAFETY: as the caller promises.
    let (host, guest) = unsafe { (bytes(preopen.host_path, "preopens")?, bytes(preopen.guest_path, "preopens")?) };
    let guest = std::str::from_utf8(guest).map_err(|_| bad_argument("preopens: a guest path is not UTF-8"))?;
    let host = path(host)?;
    let (permissions, access) = match preopen.read_only {
        true => (FsPerms::ReadOnly, AccessMode::ReadOnly),
        false => (FsPerms::ReadWrite, AccessMode::ReadWrite),
    };
    let opened = builder
        .preopened_dir(host, guest, permissions)
        .and_then(|_| HostDir::preopen(host, guest.to_owned(), access))
        .map_err(|error| error.context(format!("cannot open the directory {:?}", host.display())))?;
    Ok(Entry::Dir(Box::new(opened)))
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> wasmtime::Result<&Path> {
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> wasmtime::Result<&Path> {
    let text = std::str::from_utf8(bytes).map_err(|_| bad_argument("preopens: a host path is not UTF-8"))?;
    Ok(Path::new(text))
}
