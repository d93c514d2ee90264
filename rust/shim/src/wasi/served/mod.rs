//! File systems that a binding serves: trees of directories and files that are not the host's.
//!
//! The binding is asked by one callback. It resolves paths, keeps directories and files under numbers of its own, and
//! answers where a guest's descriptor is: `dir.rs` and `file.rs` are such descriptors. What would change a file system
//! that may only be read is refused here, without asking, with what such a directory of the host says: `EPERM`.

mod dir;
mod file;

pub(super) use dir::ServedDir;
pub(super) use file::ServedFile;

use super::descriptors::Entry;
use super::fault::{Errno, Fault, Outcome};
use super::host::{AccessMode, writable};
use super::insert::{Place, insert, name};
use crate::store::{Whole, wasmtime_binding_store_t};
use crate::{cast, guard::guard};
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr;
use wasmtime::AsContextMut;
use wasmtime_c_api::wasmtime_error_t;
use wasmtime_wasi::p1::types::{Filestat, Filetype, Fstflags};

/// Of a directory: open `path` below it. `count` becomes the number of what was opened, `stat` says what it is, and
/// `host_fd` may become a descriptor of the host's, which is duplicated and used in place of what was opened.
pub const WASMTIME_FS_OPEN: u32 = 0;
/// Of a directory: the attributes of `path` below it.
pub const WASMTIME_FS_PATH_STAT: u32 = 1;
/// Of a directory: what the symbolic link at `path` says, into `buffer`; `count` becomes the number of bytes.
pub const WASMTIME_FS_READ_LINK: u32 = 2;
/// Of a directory: entries, laid out as `fd_readdir` does, from the cookie `number` on, into `buffer`; `count`
/// becomes the number of bytes.
pub const WASMTIME_FS_READ_DIR: u32 = 3;
/// Of a file: read into `buffer` at the position, and move it; `count` becomes the number of bytes, less than asked
/// for at the end.
pub const WASMTIME_FS_READ: u32 = 4;
/// Of a file: read into `buffer` at the offset `number`.
pub const WASMTIME_FS_PREAD: u32 = 5;
/// Of a file: move the position by `number`, a signed one, counted from what `flags` say as `fd_seek` has it; `count`
/// becomes the position.
pub const WASMTIME_FS_SEEK: u32 = 6;
/// The attributes of the directory or file itself; `count` becomes the position of a file.
pub const WASMTIME_FS_STAT: u32 = 7;
/// The guest's descriptor is gone: the last request of a directory or file. Only a guest that closes it hears of an
/// error.
pub const WASMTIME_FS_GONE: u32 = 8;
/// Of a file: write `buffer` at the position, or at the end with `WASMTIME_FS_APPEND`, and move the position behind
/// it; `count` becomes the number of bytes that were written.
pub const WASMTIME_FS_WRITE: u32 = 9;
/// Of a file: write `buffer` at the offset `number`, or at the end with `WASMTIME_FS_APPEND`; the position stays, and
/// `count` becomes the number of bytes that were written.
pub const WASMTIME_FS_PWRITE: u32 = 10;
/// Of a file: it is to have `number` bytes.
pub const WASMTIME_FS_SET_SIZE: u32 = 11;
/// Of a file: it is to have at least `number` bytes.
pub const WASMTIME_FS_ALLOCATE: u32 = 12;
/// Of a file or directory that can be changed: what was written is to be safe.
pub const WASMTIME_FS_SYNC: u32 = 13;
/// Of a file or directory: its times are to be those of `stat` and of this moment, as `flags` say.
pub const WASMTIME_FS_SET_TIMES: u32 = 14;
/// Of a directory: the times of `path` below it, in the same way.
pub const WASMTIME_FS_PATH_SET_TIMES: u32 = 15;
/// Of a directory: make the directory `path` below it.
pub const WASMTIME_FS_MAKE_DIR: u32 = 16;
/// Of a directory: remove the empty directory `path` below it.
pub const WASMTIME_FS_REMOVE_DIR: u32 = 17;
/// Of a directory: remove `path` below it, which is no directory.
pub const WASMTIME_FS_UNLINK: u32 = 18;
/// Of a directory: `path` below it is to be `to_path` below the directory `to_env`, which has the same callback.
pub const WASMTIME_FS_RENAME: u32 = 19;
/// Of a directory: the file `path` below it is to be `to_path` below the directory `to_env`, too, which has the same
/// callback.
pub const WASMTIME_FS_LINK: u32 = 20;
/// Of a directory: make a symbolic link `path` below it, which says `to_path`.
pub const WASMTIME_FS_SYMLINK: u32 = 21;

/// Of a path: a symbolic link at its end is followed.
pub const WASMTIME_FS_FOLLOW: u32 = 1;
/// Of a path to open: it must be a directory.
pub const WASMTIME_FS_DIRECTORY: u32 = 2;
/// Of a path to open: a file that is not there is made.
pub const WASMTIME_FS_CREATE: u32 = 4;
/// Of a path to open with `WASMTIME_FS_CREATE`: nothing may be there.
pub const WASMTIME_FS_EXCLUSIVE: u32 = 8;
/// Of a path to open: a file loses what is in it.
pub const WASMTIME_FS_TRUNCATE: u32 = 16;
/// Of a path to open: it is going to be read.
pub const WASMTIME_FS_FOR_READING: u32 = 32;
/// Of a path to open: it is going to be written.
pub const WASMTIME_FS_FOR_WRITING: u32 = 64;
/// Of a path to open, and of writing: what is written goes to the end of the file.
pub const WASMTIME_FS_APPEND: u32 = 128;
/// Of a path to open: what is written is to be safe when the write returns.
pub const WASMTIME_FS_SYNCHRONOUS: u32 = 256;
/// Of times: the time of the last access is `stat.atim`.
pub const WASMTIME_FS_ACCESSED: u32 = 512;
/// Of times: the time of the last access is now.
pub const WASMTIME_FS_ACCESSED_NOW: u32 = 1024;
/// Of times: the time of the last modification is `stat.mtim`.
pub const WASMTIME_FS_MODIFIED: u32 = 2048;
/// Of times: the time of the last modification is now.
pub const WASMTIME_FS_MODIFIED_NOW: u32 = 4096;
/// Of reading and writing a file: the guest's call has moved something already, and succeeds whatever comes of this
/// request. So the guest does not hear of an error that this one is answered with; the next request for the same place
/// without this flag has to be answered with it, unless it has passed.
pub const WASMTIME_FS_GOES_ON: u32 = 8192;

/// Done.
pub const WASMTIME_FS_DONE: u32 = 0;
/// It failed; `count` is the error number of WASI 0.1.
pub const WASMTIME_FS_FAILED: u32 = 1;
/// The guest has to stop, as by an interrupt.
pub const WASMTIME_FS_STOP: u32 = 2;

/// Attributes of a file or directory that a binding serves.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_binding_fs_stat_t {
    /// Which file system it is in, for the guest.
    pub dev: u64,
    /// Which of its files it is: the same number, the same file.
    pub ino: u64,
    /// How many names it has.
    pub nlink: u64,
    /// How many bytes it has.
    pub size: u64,
    /// When it was read, in nanoseconds since 1970.
    pub atim: u64,
    /// When it was written, in nanoseconds since 1970.
    pub mtim: u64,
    /// When anything of it was changed, in nanoseconds since 1970.
    pub ctim: u64,
    /// What it is: a file type of WASI 0.1.
    pub filetype: u32,
}

/// A request to a file system of a binding.
#[repr(C)]
pub struct wasmtime_binding_fs_request_t {
    /// Which directory or file: what it was inserted with, or opened as.
    pub env: u64,
    /// What to do: a `WASMTIME_FS_*` from `OPEN` to `SYMLINK`.
    pub what: u32,
    /// Some of `WASMTIME_FS_*` from `FOLLOW` to `GOES_ON`, or whence to seek.
    pub flags: u32,
    /// A path, in UTF-8, as the guest wrote it.
    pub path: *const u8,
    /// The bytes in it.
    pub path_len: usize,
    /// The directory of the second path.
    pub to_env: u64,
    /// A second path, as the first one.
    pub to_path: *const u8,
    /// The bytes in it.
    pub to_path_len: usize,
    /// Memory to fill, or to write from: the guest's most often. It may be shared with other threads.
    pub buffer: *mut u8,
    /// The bytes in it.
    pub len: usize,
    /// An offset, a size or a cookie.
    pub number: u64,
    /// The answer: a `WASMTIME_FS_*` from `DONE` to `STOP`.
    pub status: u32,
    /// What the status and the request say it is.
    pub count: u64,
    /// A descriptor of the host, or a `HANDLE`; all ones if there is none. It stays open until `WASMTIME_FS_GONE`.
    pub host_fd: *mut c_void,
    /// Attributes: the answer, or times to set.
    pub stat: wasmtime_binding_fs_stat_t,
}

/// Serves the file systems of a binding. It must not use the store.
pub type wasmtime_binding_fs_callback_t = extern "C" fn(request: *mut wasmtime_binding_fs_request_t);

/// No descriptor of the host.
const NO_HOST_FD: *mut c_void = ptr::without_provenance_mut(usize::MAX);

/// A directory or a file that the binding keeps open.
struct Node {
    env: u64,
    callback: wasmtime_binding_fs_callback_t,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.ask(WASMTIME_FS_GONE, |_| ());
    }
}

impl Node {
    /// Asks the binding; `fill` says what else belongs to the request.
    fn ask(
        &self,
        what: u32,
        fill: impl FnOnce(&mut wasmtime_binding_fs_request_t),
    ) -> Outcome<wasmtime_binding_fs_request_t> {
        let stat =
            wasmtime_binding_fs_stat_t { dev: 0, ino: 0, nlink: 0, size: 0, atim: 0, mtim: 0, ctim: 0, filetype: 0 };
        let mut request = wasmtime_binding_fs_request_t {
            env: self.env,
            what,
            flags: 0,
            path: ptr::null(),
            path_len: 0,
            to_env: 0,
            to_path: ptr::null(),
            to_path_len: 0,
            buffer: ptr::null_mut(),
            len: 0,
            number: 0,
            status: WASMTIME_FS_DONE,
            count: 0,
            host_fd: NO_HOST_FD,
            stat,
        };
        fill(&mut request);
        (self.callback)(&raw mut request);
        match request.status {
            WASMTIME_FS_DONE => Ok(request),
            WASMTIME_FS_STOP => Err(Fault::Trap(wasmtime::Trap::Interrupt.into())),
            _ => {
                Err(u16::try_from(request.count).ok().and_then(|n| Errno::try_from(n).ok()).unwrap_or(Errno::Io).into())
            }
        }
    }

    /// The attributes, and the position of a file.
    fn stat(&self) -> Outcome<(Filestat, u64)> {
        let answer = self.ask(WASMTIME_FS_STAT, |_| ())?;
        Ok((filestat(&answer.stat), answer.count))
    }

    /// Lets go of it for a guest that closes it, and hears what comes of it.
    fn close(self) -> Outcome {
        let node = ManuallyDrop::new(self);
        node.ask(WASMTIME_FS_GONE, |_| ()).map(|_| ())
    }
}

fn filetype(stat: &wasmtime_binding_fs_stat_t) -> Filetype {
    u8::try_from(stat.filetype).ok().and_then(|n| Filetype::try_from(n).ok()).unwrap_or(Filetype::Unknown)
}

/// Attributes as the guest sees them.
fn filestat(stat: &wasmtime_binding_fs_stat_t) -> Filestat {
    let wasmtime_binding_fs_stat_t { dev, ino, nlink, size, atim, mtim, ctim, .. } = *stat;
    Filestat { dev, ino, filetype: filetype(stat), nlink, size, atim, mtim, ctim }
}

/// New times of a file.
struct Times {
    atim: u64,
    mtim: u64,
    /// `WASMTIME_FS_*` from `ACCESSED` to `MODIFIED_NOW`.
    flags: u32,
}

impl Times {
    /// What a guest asks for. `EINVAL` when a time is to be set both to a value and to now.
    fn new(atim: u64, mtim: u64, asked: Fstflags) -> Result<Times, Errno> {
        let both = |set: Fstflags, now: Fstflags| asked.contains(set | now);
        if both(Fstflags::ATIM, Fstflags::ATIM_NOW) || both(Fstflags::MTIM, Fstflags::MTIM_NOW) {
            return Err(Errno::Inval);
        }
        let mut flags = 0;
        for (one, flag) in [
            (Fstflags::ATIM, WASMTIME_FS_ACCESSED),
            (Fstflags::ATIM_NOW, WASMTIME_FS_ACCESSED_NOW),
            (Fstflags::MTIM, WASMTIME_FS_MODIFIED),
            (Fstflags::MTIM_NOW, WASMTIME_FS_MODIFIED_NOW),
        ] {
            if asked.contains(one) {
                flags |= flag;
            }
        }
        Ok(Times { atim, mtim, flags })
    }

    fn fill(&self, request: &mut wasmtime_binding_fs_request_t) {
        request.flags |= self.flags;
        (request.stat.atim, request.stat.mtim) = (self.atim, self.mtim);
    }
}

/// Makes the root of a file system that the binding serves a guest's descriptor, in a store that was configured by
/// `wasmtime_binding_store_set_wasi`.
///
/// With `push`, it gets the lowest free number, which is written to `*guest_fd`; otherwise `*guest_fd` says which,
/// and what the guest has there is closed first. `guest_path` is its name among the preopened directories, as with
/// `wasmtime_context_insert_dir`; null for none. So is `access_mode`: with `WASMTIME_FILE_READ_ONLY`, the callback is
/// not asked for anything that would change something.
///
/// The callback is asked for the root by `env`, and for what was opened below by the numbers that it answered. It hears
/// `WASMTIME_FS_GONE` once for each, in the end; for the root if and only if this succeeds. Errors are those of
/// `wasmtime_context_insert_dir`.
///
/// # Safety
///
/// `store` must be live and not in use, `guest_fd` valid, and `guest_path` null or readable for `guest_path_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_store_insert_fs(
    store: *mut wasmtime_binding_store_t,
    push: bool,
    guest_fd: *mut u32,
    guest_path: *const u8,
    guest_path_len: usize,
    access_mode: u32,
    env: u64,
    callback: wasmtime_binding_fs_callback_t,
) -> Option<Box<wasmtime_error_t>> {
    let whole = Whole::of(store);
    guard(move || {
        let writable = writable(AccessMode::from_number(access_mode)?)?;
        // SAFETY: the caller promises that it can be read.
        let name = unsafe { name(guest_path, guest_path_len) }?;
        // SAFETY: the caller vouches for both.
        let (store, guest_fd) = unsafe { (cast::store(&mut (*whole).store), &mut *guest_fd) };
        *guest_fd = insert(store.as_context_mut(), Place::new(push, *guest_fd), |_| {
            Ok(Entry::ServedDir(Box::new(ServedDir::root(Node { env, callback }, name, writable))))
        })?;
        Ok(())
    })
}
