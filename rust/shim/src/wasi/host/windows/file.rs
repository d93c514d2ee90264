//! One file of the host, as a guest descriptor.

use super::console::{self, Console};
use super::errno::{Host, errno};
use super::kind::duplicate_socket;
use super::later::{Later, close};
use super::sys::{self, Handle};
use super::times::{nanoseconds, steps};
use super::{AccessMode, Kind, bad_host_file, check_kind, new_times, served_stat};
use crate::wake::Waker;
use crate::wasi::fault::{Errno, Outcome};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::os::windows::io::{AsRawHandle, FromRawHandle, IntoRawHandle, OwnedHandle};
use std::sync::OnceLock;
use wasmtime_wasi::p1::types::{Advice, Fdflags, Filestat, Filetype, Fstflags, Whence};
use windows_sys::Win32::Networking::WinSock as w;
use windows_sys::Win32::Storage::FileSystem as fs;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE};
use windows_sys::Win32::System::SystemServices::{IO_REPARSE_TAG_MOUNT_POINT, IO_REPARSE_TAG_SYMLINK};

/// A handle of the host, and what belongs to the guest's descriptor alone: the access mode, the append flag and the
/// non-blocking flag. The open file, and with it the position, is shared with the host.
pub(in crate::wasi) struct HostFile {
    handle: Handle,
    /// Whether `handle` is closed with this object; the process's standard streams and `NUL` are not.
    owned: bool,
    /// Nothing until the first use.
    pub(in crate::wasi::host) kind: Option<Kind>,
    /// Whether it was opened with `FILE_FLAG_OVERLAPPED`.
    pub(super) overlapped: bool,
    pub(in crate::wasi::host) access: AccessMode,
    pub(in crate::wasi::host) append: bool,
    /// Whether the host can only append, which the guest cannot take back.
    pub(in crate::wasi::host) always_append: bool,
    pub(in crate::wasi::host) nonblock: bool,
    /// How writes are synchronised, which is settled when a guest opens the file.
    pub(in crate::wasi::host) sync: Fdflags,
    /// Device and inode for the guest, when the file is that of a file system which the binding serves.
    pub(in crate::wasi::host) served: Option<Box<(u64, u64)>>,
    /// The position in a file that was opened for overlapped I/O, which has none in Windows: the host has its own.
    pub(super) position: Cell<u64>,
    /// What a guest that must not wait has written and the other side has not taken yet.
    pub(super) later: RefCell<Later>,
    pub(super) console: RefCell<Console>,
    /// Whether a wait has seen that the other side of a connection broke it off, which a read may not learn any more.
    pub(super) reset: Cell<bool>,
    /// Whether the guest has ended its direction of a connection, or accepting.
    pub(super) ended: Cell<bool>,
}

impl Drop for HostFile {
    fn drop(&mut self) {
        let rest = self.later.get_mut().take();
        if !self.owned {
            match rest.map(|rest| (rest, sys::duplicate(self.handle))) {
                Some((rest, Ok(handle))) => rest.finish(handle),
                // The system still reads what is to be written.
                Some((rest, Err(_))) => std::mem::forget(rest),
                None => {}
            }
            return;
        }
        // SAFETY: the handle was taken out of an `OwnedHandle` and is given up here.
        let handle = unsafe { OwnedHandle::from_raw_handle(self.handle.raw()) };
        match rest {
            Some(rest) => rest.finish(handle),
            None => close(handle, self.kind().is_socket()),
        }
    }
}

impl HostFile {
    /// Duplicates a handle that the host keeps.
    ///
    /// # Safety
    ///
    /// If `host_fd` is an open handle, it must stay open during the call.
    pub(in crate::wasi) unsafe fn duplicate(host_fd: *mut c_void, access: AccessMode) -> wasmtime::Result<HostFile> {
        let number = host_fd as isize;
        let theirs = handle(host_fd).ok_or_else(|| bad_host_file(number, "it is no handle"))?;
        let file = HostFile::copy(theirs, access).map_err(|e| bad_host_file(number, e))?;
        check_kind(file.kind())?;
        Ok(file)
    }

    /// Duplicates the handle of a connection that a binding has accepted for a guest.
    ///
    /// # Safety
    ///
    /// As for [`HostFile::duplicate`].
    pub(in crate::wasi) unsafe fn accepted(host_fd: *mut c_void, access: AccessMode) -> Result<HostFile, Errno> {
        let theirs = handle(host_fd).ok_or(Errno::Badf)?;
        HostFile::copy(theirs, access).map_err(errno)
    }

    /// The same file, or connection, once more.
    pub(in crate::wasi) fn another(&self) -> Result<HostFile, Errno> {
        HostFile::copy(self.handle, self.access).map_err(errno)
    }

    /// Duplicates a handle, if it is open, and looks at it.
    fn copy(theirs: Handle, access: AccessMode) -> Result<HostFile, Host> {
        let kind = Kind::of(theirs)?;
        let ours = match kind.is_socket() {
            // Not every provider of sockets knows how.
            true => duplicate_socket(theirs).or_else(|_| sys::duplicate(theirs)),
            false => sys::duplicate(theirs),
        };
        let mut file = HostFile::new(Handle::new(ours?.into_raw_handle()), true, None, access);
        file.examine(kind)?;
        Ok(file)
    }

    /// A socket that is the guest's alone.
    pub(super) fn connection(socket: OwnedHandle, access: AccessMode, nonblock: bool) -> HostFile {
        let mut file = HostFile::new(Handle::new(socket.into_raw_handle()), true, Some(Kind::SocketStream), access);
        file.overlapped = true;
        file.nonblock = nonblock;
        file
    }

    /// One of the process's standard streams, which stays the process's. It is looked at when it is first used; one
    /// that the process has not is closed for the guest, too.
    pub(in crate::wasi) fn standard(number: i32) -> wasmtime::Result<HostFile> {
        let (which, access) = match number {
            0 => (STD_INPUT_HANDLE, AccessMode::ReadOnly),
            1 => (STD_OUTPUT_HANDLE, AccessMode::WriteOnly),
            _ => (STD_ERROR_HANDLE, AccessMode::WriteOnly),
        };
        // SAFETY: it reads a value of the process.
        let handle = Handle::new(unsafe { GetStdHandle(which) });
        Ok(HostFile::new(handle, false, None, access))
    }

    /// A file that is always empty and swallows what is written: `NUL`, opened once for the process.
    pub(in crate::wasi) fn null(access: AccessMode) -> wasmtime::Result<HostFile> {
        static NULL: OnceLock<OwnedHandle> = OnceLock::new();
        let null = match NULL.get() {
            Some(null) => null,
            None => {
                let opened = std::fs::File::options()
                    .read(true)
                    .write(true)
                    .open("NUL")
                    .map_err(|e| wasmtime::Error::msg(format!("cannot open NUL: {e}")))?;
                NULL.get_or_init(|| opened.into())
            }
        };
        Ok(HostFile::new(null.into(), false, Some(Kind::Null), access))
    }

    fn new(handle: Handle, owned: bool, kind: Option<Kind>, access: AccessMode) -> HostFile {
        HostFile {
            handle,
            owned,
            kind,
            overlapped: false,
            access,
            append: false,
            always_append: false,
            nonblock: false,
            sync: Fdflags::empty(),
            served: None,
            position: Cell::new(0),
            later: RefCell::default(),
            console: RefCell::default(),
            reset: Cell::new(false),
            ended: Cell::new(false),
        }
    }

    /// A file that a guest has opened below a directory.
    pub(super) fn opened(file: std::fs::File, access: AccessMode, flags: Fdflags) -> HostFile {
        let kind = Kind::of(Handle::new(file.as_raw_handle())).unwrap_or(Kind::Other);
        let mut file = HostFile::new(Handle::new(file.into_raw_handle()), true, Some(kind), access);
        file.open_with(flags);
        file
    }

    /// Looks at the file before its first use.
    #[inline]
    pub(in crate::wasi) fn look(&mut self) -> Result<(), Errno> {
        if self.kind.is_none() {
            self.look_first().map_err(errno)?;
        }
        Ok(())
    }

    #[cold]
    fn look_first(&mut self) -> Result<(), Host> {
        if !self.handle.is_plausible() {
            return Err(Host(windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE));
        }
        let kind = Kind::of(self.handle)?;
        self.examine(kind)
    }

    /// Finds out what the host opened it for.
    fn examine(&mut self, kind: Kind) -> Result<(), Host> {
        if kind == Kind::Terminal {
            let (reads, writes) = console::directions(self.handle);
            self.access = self.access.limited(reads, writes);
        } else if !kind.is_socket() {
            let granted = sys::granted_access(self.handle)?;
            let appends = kind == Kind::Regular && granted & fs::FILE_APPEND_DATA != 0;
            let writes = granted & fs::FILE_WRITE_DATA != 0;
            self.access = self.access.limited(granted & fs::FILE_READ_DATA != 0, writes || appends);
            self.always_append = appends && !writes;
            self.append = self.always_append;
        }
        // Sockets are, in effect; consoles never are.
        self.overlapped = kind.is_socket() || (kind != Kind::Terminal && sys::is_overlapped(self.handle)?);
        self.kind = Some(kind);
        Ok(())
    }

    #[inline]
    pub(super) fn handle(&self) -> Handle {
        self.handle
    }

    /// Moves the position, which the host's file shares unless it was opened for overlapped I/O.
    pub(in crate::wasi) fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        match self.kind() {
            Kind::Null => return Ok(0),
            kind if !kind.seeks() => return Err(Errno::Spipe),
            _ => {}
        }
        let from = match whence {
            Whence::Set => 0,
            Whence::Cur => self.tell().map_err(errno)?,
            Whence::End => self.size().map_err(errno)?,
        };
        let to = from.checked_add_signed(offset).filter(|to| i64::try_from(*to).is_ok()).ok_or(Errno::Inval)?;
        self.go_to(to).map_err(errno)?;
        Ok(to)
    }

    /// The position.
    pub(super) fn tell(&self) -> Result<u64, Host> {
        if self.overlapped { Ok(self.position.get()) } else { sys::seek(self.handle, 0, fs::FILE_CURRENT) }
    }

    /// Sets the position.
    pub(super) fn go_to(&self, position: u64) -> Result<(), Host> {
        if self.overlapped {
            self.position.set(position);
            return Ok(());
        }
        sys::seek(self.handle, position.cast_signed(), fs::FILE_BEGIN).map(|_| ())
    }

    /// The size of a regular file.
    pub(super) fn size(&self) -> Result<u64, Host> {
        // SAFETY: the structure belongs to the class.
        let file = unsafe { sys::information::<fs::FILE_STANDARD_INFO>(self.handle, fs::FileStandardInfo) }?;
        Ok(u64::try_from(file.EndOfFile).unwrap_or(0))
    }

    /// The attributes, those of the host's file system. What is in none has none.
    pub(in crate::wasi) fn stat(&self) -> Result<Filestat, Errno> {
        match self.kind() {
            Kind::Regular => {
                let stat = attributes(self.handle).map_err(errno)?;
                Ok(match self.served.as_deref() {
                    Some(&identity) => served_stat(stat, identity),
                    None => stat,
                })
            }
            kind => {
                Ok(Filestat { dev: 0, ino: 0, filetype: kind.filetype(), nlink: 1, size: 0, atim: 0, mtim: 0, ctim: 0 })
            }
        }
    }

    /// Sets the size. `EINVAL` when the guest may not write, or where there is none, which is what `ftruncate` of
    /// Linux says.
    pub(in crate::wasi) fn set_size(&self, size: u64) -> Result<(), Errno> {
        if !self.access.writes() || self.kind() != Kind::Regular {
            return Err(Errno::Inval);
        }
        let size = i64::try_from(size).map_err(|_| Errno::Inval)?;
        self.resize(size).map_err(errno)
    }

    fn resize(&self, size: i64) -> Result<(), Host> {
        let end = fs::FILE_END_OF_FILE_INFO { EndOfFile: size };
        // SAFETY: the structure belongs to the class.
        let resize = |handle| unsafe { sys::set_information(handle, fs::FileEndOfFileInfo, &end) };
        match resize(self.handle) {
            // A handle that can only append is not enough.
            Err(Host::ACCESS_DENIED) => resize((&sys::reopen(self.handle, fs::FILE_WRITE_DATA)?).into()),
            other => other,
        }
    }

    /// Sets the times. A guest that was given read-only access is not to change the file in any way: `EPERM`.
    pub(in crate::wasi) fn set_times(&self, atim: u64, mtim: u64, flags: Fstflags) -> Result<(), Errno> {
        let times = new_times(atim, mtim, flags)?;
        if !self.access.writes() {
            return Err(Errno::Perm);
        }
        if self.kind() != Kind::Regular {
            return Ok(());
        }
        set_times(self.handle, times).map_err(errno)
    }

    /// Extends the file to the end of a range, as `posix_fallocate` does. What NTFS extends it has room for.
    pub(in crate::wasi) fn allocate(&self, offset: u64, len: u64, _: Option<&Waker>) -> Outcome {
        let end = match (i64::try_from(offset), i64::try_from(len)) {
            (Ok(offset), Ok(1..)) => offset.checked_add(len.cast_signed()).ok_or(Errno::Fbig)?,
            _ => return Err(Errno::Inval.into()),
        };
        self.check_writable()?;
        match self.kind() {
            Kind::Regular => {}
            Kind::Pipe => return Err(Errno::Spipe.into()),
            _ => return Err(Errno::Nodev.into()),
        }
        if end.cast_unsigned() <= self.size().map_err(errno)? {
            return Ok(());
        }
        Ok(self.resize(end).map_err(errno)?)
    }

    /// Says how a range will be used, which Windows is told when a file is opened or never.
    pub(in crate::wasi) fn advise(&self, _offset: u64, len: u64, _advice: Advice) -> Result<(), Errno> {
        match self.kind() {
            _ if i64::try_from(len).is_err() => Err(Errno::Inval),
            Kind::Pipe => Err(Errno::Spipe),
            _ => Ok(()),
        }
    }

    /// Writes the contents and the attributes to the disk. `EINVAL` for what is on none, as Linux has it.
    pub(in crate::wasi) fn sync(&self, _data_only: bool) -> Result<(), Errno> {
        if !matches!(self.kind(), Kind::Regular | Kind::BlockDevice) {
            return Err(Errno::Inval);
        }
        flush(self.handle).map_err(errno)
    }

    /// How many bytes can be read at once. For a file that has a position, those behind it.
    pub(super) fn available(&self) -> u64 {
        match self.kind() {
            Kind::Regular => self.size().unwrap_or(0).saturating_sub(self.tell().unwrap_or(0)),
            Kind::Pipe => sys::peek(self.handle).map_or(0, |n| n as u64),
            kind if kind.is_socket() => {
                let mut n = 0;
                // SAFETY: the count is local.
                match unsafe { w::ioctlsocket(self.handle.socket(), w::FIONREAD, &raw mut n) } {
                    0 => n.into(),
                    _ => 0,
                }
            }
            _ => 0,
        }
    }
}

/// A number as a handle, unless it cannot be one.
fn handle(raw: *mut c_void) -> Option<Handle> {
    Some(Handle::new(raw)).filter(|handle| handle.is_plausible())
}

/// Writes a file to the disk. A handle that cannot write has nothing to be written.
pub(super) fn flush(handle: Handle) -> Result<(), Host> {
    // SAFETY: the system itself checks the handle.
    match sys::done(unsafe { fs::FlushFileBuffers(handle.raw()) }) {
        Err(Host::ACCESS_DENIED) => Ok(()),
        other => other,
    }
}

/// Sets the times of a file or a directory.
pub(super) fn set_times(handle: Handle, times: (super::NewTime, super::NewTime)) -> Result<(), Host> {
    let info = fs::FILE_BASIC_INFO {
        CreationTime: 0,
        LastAccessTime: steps(times.0),
        LastWriteTime: steps(times.1),
        ChangeTime: 0,
        FileAttributes: 0,
    };
    // SAFETY: the structure belongs to the class.
    let set = |handle| unsafe { sys::set_information(handle, fs::FileBasicInfo, &info) };
    match set(handle) {
        Err(Host::ACCESS_DENIED) => set((&sys::reopen(handle, fs::FILE_WRITE_ATTRIBUTES)?).into()),
        other => other,
    }
}

/// The attributes of a file or a directory.
pub(super) fn attributes(handle: Handle) -> Result<Filestat, Host> {
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut file: fs::BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is local.
    sys::done(unsafe { fs::GetFileInformationByHandle(handle.raw(), &raw mut file) })?;
    // SAFETY: the structure belongs to the class.
    let times = unsafe { sys::information::<fs::FILE_BASIC_INFO>(handle, fs::FileBasicInfo) }?;
    let double = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    // Not every file system knows when a file was changed otherwise than by writing.
    let change = if times.ChangeTime == 0 { times.LastWriteTime } else { times.ChangeTime };
    Ok(Filestat {
        dev: file.dwVolumeSerialNumber.into(),
        ino: double(file.nFileIndexHigh, file.nFileIndexLow),
        filetype: file_type(file.dwFileAttributes, || {
            // SAFETY: the structure belongs to the class.
            let tag = unsafe { sys::information::<fs::FILE_ATTRIBUTE_TAG_INFO>(handle, fs::FileAttributeTagInfo) };
            tag.map_or(0, |tag| tag.ReparseTag)
        }),
        nlink: file.nNumberOfLinks.into(),
        size: double(file.nFileSizeHigh, file.nFileSizeLow),
        atim: nanoseconds(times.LastAccessTime),
        mtim: nanoseconds(times.LastWriteTime),
        ctim: nanoseconds(change),
    })
}

/// The file type that attributes speak of.
pub(super) fn file_type(attributes: u32, reparse_tag: impl FnOnce() -> u32) -> Filetype {
    if attributes & fs::FILE_ATTRIBUTE_REPARSE_POINT != 0
        && matches!(reparse_tag(), IO_REPARSE_TAG_SYMLINK | IO_REPARSE_TAG_MOUNT_POINT)
    {
        return Filetype::SymbolicLink;
    }
    match attributes & fs::FILE_ATTRIBUTE_DIRECTORY {
        0 => Filetype::RegularFile,
        _ => Filetype::Directory,
    }
}
