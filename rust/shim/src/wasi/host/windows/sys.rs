//! The calls of the system, on raw pointers: a guest's buffers may overlap or be shared with other threads, so they
//! never become Rust slices.

use super::errno::Host;
use crate::wake::Waker;
use std::cell::OnceCell;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::time::{Duration, Instant};
use windows_sys::Wdk::Storage::FileSystem as nt;
use windows_sys::Win32::Foundation as f;
use windows_sys::Win32::Networking::WinSock as w;
use windows_sys::Win32::Storage::FileSystem as fs;
use windows_sys::Win32::System::IO::{
    CancelIoEx, GetOverlappedResult, IO_STATUS_BLOCK, OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0,
};
use windows_sys::Win32::System::Ioctl::FILE_DEVICE_NULL;
use windows_sys::Win32::System::Pipes::PeekNamedPipe;
use windows_sys::Win32::System::SystemServices::MAXIMUM_WAIT_OBJECTS;
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, INFINITE, SetEvent, WaitForMultipleObjects,
};
use windows_sys::core::BOOL;

/// A handle as a number, so that it may go to another thread. Nothing is closed with it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Handle(isize);

impl Handle {
    pub(super) fn new(raw: RawHandle) -> Handle {
        Handle(raw as isize)
    }

    pub(super) fn raw(self) -> RawHandle {
        self.0 as RawHandle
    }

    pub(super) fn socket(self) -> w::SOCKET {
        self.0.cast_unsigned()
    }

    /// Whether it can be a handle at all: the negative numbers stand for the process, the thread and nothing.
    pub(super) fn is_plausible(self) -> bool {
        self.0 > 0
    }
}

impl From<&OwnedHandle> for Handle {
    fn from(owned: &OwnedHandle) -> Self {
        Handle::new(owned.as_raw_handle())
    }
}

/// What a call says whose result is a `BOOL`.
#[inline]
pub(super) fn done(result: BOOL) -> Result<(), Host> {
    if result != 0 { Ok(()) } else { Err(Host::last()) }
}

/// What a call on a socket says.
#[inline]
pub(super) fn socket_done(result: i32) -> Result<(), Host> {
    // SAFETY: it reads a value of this thread.
    if result == 0 { Ok(()) } else { Err(Host::socket(unsafe { w::WSAGetLastError() })) }
}

/// Another handle to the same open file, which no child process inherits.
pub(super) fn duplicate(handle: Handle) -> Result<OwnedHandle, Host> {
    let mut ours = std::ptr::null_mut();
    // SAFETY: the result is local; the system itself checks whether the handle is open.
    done(unsafe {
        let this = GetCurrentProcess();
        f::DuplicateHandle(this, handle.raw(), this, &raw mut ours, 0, 0, f::DUPLICATE_SAME_ACCESS)
    })?;
    // SAFETY: it was just made, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(ours) })
}

/// Asks the kernel about an open file.
///
/// # Safety
///
/// `T` must be the structure that belongs to `class`.
unsafe fn query<T>(handle: Handle, class: nt::FILE_INFORMATION_CLASS) -> Result<T, Host> {
    // SAFETY: the structures are plain numbers, for which zero is a value.
    let (mut answer, mut status): (T, IO_STATUS_BLOCK) = unsafe { std::mem::zeroed() };
    // SAFETY: both are local and large enough.
    let result = unsafe {
        nt::NtQueryInformationFile(
            handle.raw(),
            &raw mut status,
            (&raw mut answer).cast(),
            size_of::<T>() as u32,
            class,
        )
    };
    if result == f::STATUS_SUCCESS { Ok(answer) } else { Err(Host::of_status(result)) }
}

/// What the handle was opened for: `FILE_READ_DATA` and the like.
pub(super) fn granted_access(handle: Handle) -> Result<u32, Host> {
    // SAFETY: the structure belongs to the class.
    Ok(unsafe { query::<nt::FILE_ACCESS_INFORMATION>(handle, nt::FileAccessInformation) }?.AccessFlags)
}

/// Whether it was opened with `FILE_FLAG_OVERLAPPED`.
pub(super) fn is_overlapped(handle: Handle) -> Result<bool, Host> {
    // SAFETY: the structure belongs to the class.
    let mode = unsafe { query::<nt::FILE_MODE_INFORMATION>(handle, nt::FileModeInformation) }?.Mode;
    Ok(mode & (nt::FILE_SYNCHRONOUS_IO_ALERT | nt::FILE_SYNCHRONOUS_IO_NONALERT) == 0)
}

/// Whether nobody has the other end of a pipe any more.
pub(super) fn pipe_has_ended(handle: Handle) -> bool {
    // SAFETY: the structure belongs to the class.
    let asked = unsafe { query::<nt::FILE_PIPE_LOCAL_INFORMATION>(handle, nt::FilePipeLocalInformation) };
    asked.is_ok_and(|pipe| pipe.NamedPipeState == nt::FILE_PIPE_CLOSING_STATE)
}

/// Whether it is the device that swallows everything.
pub(super) fn is_null_device(handle: Handle) -> bool {
    // `FILE_FS_DEVICE_INFORMATION`: the type of the device, and what characterises it.
    let mut answer = [0_u32; 2];
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut status: IO_STATUS_BLOCK = unsafe { std::mem::zeroed() };
    // SAFETY: both are local and large enough.
    let result = unsafe {
        nt::NtQueryVolumeInformationFile(
            handle.raw(),
            &raw mut status,
            (&raw mut answer).cast(),
            size_of_val(&answer) as u32,
            nt::FileFsDeviceInformation,
        )
    };
    result == f::STATUS_SUCCESS && answer[0] == FILE_DEVICE_NULL
}

/// How many bytes a pipe holds. `ERROR_BROKEN_PIPE` when it is empty and will stay so.
pub(super) fn peek(handle: Handle) -> Result<usize, Host> {
    let mut available = 0;
    let none = std::ptr::null_mut();
    // SAFETY: the count is local, and there is no buffer.
    done(unsafe { PeekNamedPipe(handle.raw(), none, 0, none.cast(), &raw mut available, none.cast()) })?;
    Ok(available as usize)
}

/// The position of a file that was opened without `FILE_FLAG_OVERLAPPED`.
pub(super) fn seek(handle: Handle, offset: i64, method: fs::SET_FILE_POINTER_MOVE_METHOD) -> Result<u64, Host> {
    let mut at = 0;
    // SAFETY: the result is local.
    done(unsafe { fs::SetFilePointerEx(handle.raw(), offset, &raw mut at, method) })?;
    Ok(at.cast_unsigned())
}

/// Fills one of the structures that `GetFileInformationByHandleEx` knows.
///
/// # Safety
///
/// `T` must be the structure that belongs to `class`.
pub(super) unsafe fn information<T>(handle: Handle, class: fs::FILE_INFO_BY_HANDLE_CLASS) -> Result<T, Host> {
    // SAFETY: the structures are plain numbers, for which zero is a value.
    let mut answer: T = unsafe { std::mem::zeroed() };
    // SAFETY: it is local and large enough.
    done(unsafe {
        fs::GetFileInformationByHandleEx(handle.raw(), class, (&raw mut answer).cast(), size_of::<T>() as u32)
    })?;
    Ok(answer)
}

/// Applies one of the structures that `SetFileInformationByHandle` knows.
///
/// # Safety
///
/// `T` must be the structure that belongs to `class`.
pub(super) unsafe fn set_information<T>(
    handle: Handle,
    class: fs::FILE_INFO_BY_HANDLE_CLASS,
    value: &T,
) -> Result<(), Host> {
    // SAFETY: the value is as large as is said.
    done(unsafe {
        fs::SetFileInformationByHandle(handle.raw(), class, (&raw const *value).cast(), size_of::<T>() as u32)
    })
}

/// The same file with another access.
pub(super) fn reopen(handle: Handle, access: u32) -> Result<OwnedHandle, Host> {
    let share = fs::FILE_SHARE_READ | fs::FILE_SHARE_WRITE | fs::FILE_SHARE_DELETE;
    // SAFETY: the system itself checks the handle.
    let opened = unsafe { fs::ReOpenFile(handle.raw(), access, share, 0) };
    if opened == f::INVALID_HANDLE_VALUE {
        return Err(Host::last());
    }
    // SAFETY: it was just made, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(opened) })
}

/// The most that one call transfers.
fn size(len: usize) -> u32 {
    len.min(1 << 30) as u32
}

/// Where an operation starts: nowhere for what has no position.
pub(super) fn overlapped(offset: Option<u64>) -> OVERLAPPED {
    let offset = offset.unwrap_or(0);
    let place = OVERLAPPED_0_0 { Offset: offset as u32, OffsetHigh: (offset >> 32) as u32 };
    OVERLAPPED {
        Internal: 0,
        InternalHigh: 0,
        Anonymous: OVERLAPPED_0 { Anonymous: place },
        hEvent: std::ptr::null_mut(),
    }
}

/// Reads or writes without overlapped I/O: at the position, or at the given offset, after which the position is
/// behind what was transferred.
///
/// # Safety
///
/// `base` must be memory that may be written, or only read for a write, for `len` bytes.
pub(super) unsafe fn transfer(
    handle: Handle,
    writes: bool,
    base: *mut u8,
    len: usize,
    offset: Option<u64>,
) -> Result<usize, Host> {
    let mut place = overlapped(offset);
    let place = if offset.is_some() { &raw mut place } else { std::ptr::null_mut() };
    let mut n = 0;
    // SAFETY: as the caller promises, and the operation is over when the call returns.
    unsafe { start(handle, writes, base, len, &raw mut n, place) }?;
    Ok(n as usize)
}

/// `ReadFile` or `WriteFile`.
///
/// # Safety
///
/// The pointers must be good until the operation has ended.
pub(super) unsafe fn start(
    handle: Handle,
    writes: bool,
    base: *mut u8,
    len: usize,
    n: *mut u32,
    place: *mut OVERLAPPED,
) -> Result<(), Host> {
    // SAFETY: as the caller promises.
    done(unsafe {
        match writes {
            true => fs::WriteFile(handle.raw(), base, size(len), n, place),
            false => fs::ReadFile(handle.raw(), base, size(len), n, place),
        }
    })
}

/// How long an operation may take.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    /// What cannot be done at once is taken back.
    None,
    /// Until it is done, or the waker is raised.
    Until(Option<&'a Waker>),
}

/// Runs one overlapped operation to its end. `ERROR_OPERATION_ABORTED` when patience was at its end.
///
/// `start` gets the structure and where to put the count. `ends` is the call that tells how it ended.
pub(super) fn run(
    handle: Handle,
    offset: Option<u64>,
    patience: Patience<'_>,
    start: impl FnOnce(*mut u32, *mut OVERLAPPED) -> Result<(), Host>,
    ends: impl FnOnce(*const OVERLAPPED, *mut u32) -> Result<(), Host>,
) -> Result<usize, Host> {
    thread_local! {
        static EVENT: OnceCell<OwnedHandle> = const { OnceCell::new() };
    }
    EVENT.with(|event| {
        let event = match event.get() {
            Some(event) => event,
            None => {
                let made = new_event()?;
                event.get_or_init(|| made)
            }
        };
        let event = Handle::from(event);
        if let Patience::Until(Some(waker)) = patience {
            signal_of(waker)?; // while there is nothing yet to be taken back
        }
        let mut place = overlapped(offset);
        place.hEvent = quiet(event);
        let mut n = 0;
        match start(&raw mut n, &raw mut place) {
            Err(Host(f::ERROR_IO_PENDING)) => {}
            other => return other.map(|()| n as usize),
        }
        let ended = match patience {
            Patience::None => false,
            Patience::Until(waker) => wait_for(event, waker) == Ok(true),
        };
        if !ended {
            take_back(handle, event, &place);
        }
        ends(&raw const place, &raw mut n).map(|()| n as usize)
    })
}

/// Takes an operation back. The system uses `place`, and the memory that is read or written, until this returns.
pub(super) fn take_back(handle: Handle, event: Handle, place: &OVERLAPPED) {
    // It fails when the operation has just ended.
    // SAFETY: the structure is the operation's.
    unsafe { CancelIoEx(handle.raw(), place) };
    while wait_any(&[event], None).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What is set when a waker is raised.
fn signal_of(waker: &Waker) -> Result<Handle, Host> {
    waker.event().map(Handle::new).map_err(|_| Host(f::ERROR_NO_SYSTEM_RESOURCES))
}

/// An event that stays set until it is reset.
pub(super) fn new_event() -> Result<OwnedHandle, Host> {
    // SAFETY: an event without a name, for this process.
    let event = unsafe { CreateEventW(std::ptr::null(), 1, 0, std::ptr::null()) };
    if event.is_null() {
        return Err(Host::last());
    }
    // SAFETY: it was just made, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(event) })
}

/// Sets an event.
pub(super) fn set_event(event: Handle) {
    // SAFETY: the system itself checks the handle.
    unsafe { SetEvent(event.raw()) };
}

/// The event as an operation takes it that a completion port is not to hear of.
pub(super) fn quiet(event: Handle) -> f::HANDLE {
    (event.0 | 1) as f::HANDLE
}

/// How an operation on a file ended.
pub(super) fn file_result(handle: Handle) -> impl Fn(*const OVERLAPPED, *mut u32) -> Result<(), Host> {
    // SAFETY: both pointers are `run`'s.
    move |place, n| done(unsafe { GetOverlappedResult(handle.raw(), place, n, 0) })
}

/// How an operation on a socket ended.
pub(super) fn socket_result(handle: Handle) -> impl Fn(*const OVERLAPPED, *mut u32) -> Result<(), Host> {
    move |place, n| {
        let mut flags = 0;
        // SAFETY: both pointers are `run`'s, and the flags are local.
        let ended = unsafe { w::WSAGetOverlappedResult(handle.socket(), place, n, 0, &raw mut flags) };
        socket_done(if ended != 0 { 0 } else { -1 })
    }
}

/// Waits for an event; false when the waker was raised first.
fn wait_for(event: Handle, waker: Option<&Waker>) -> Result<bool, Host> {
    let Some(waker) = waker else {
        wait_any(&[event], None)?;
        return Ok(true);
    };
    loop {
        let signal = signal_of(waker)?;
        if waker.is_raised() {
            return Ok(false);
        }
        if wait_any(&[event, signal], None)? == Some(0) {
            return Ok(true);
        }
        // Somebody wants a look at streams, which this wait has nothing to do with.
        if !waker.is_raised() {
            waker.drain();
        }
    }
}

/// Waits for the first of the handles, of which it looks at 64 at most, and tells which it was; nothing when the time
/// is over.
pub(super) fn wait_any(handles: &[Handle], time: Option<Duration>) -> Result<Option<usize>, Host> {
    let handles = &handles[..handles.len().min(MAXIMUM_WAIT_OBJECTS as usize)];
    // A time too long to add up is as good as forever.
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    let mut left = time;
    loop {
        // The system counts milliseconds; a wait is never too short.
        let most = left.map_or(INFINITE, |left| {
            let whole = left.as_nanos().div_ceil(1_000_000);
            u32::try_from(whole).unwrap_or(INFINITE - 1).min(INFINITE - 1)
        });
        if handles.is_empty() {
            std::thread::sleep(left.unwrap_or(Duration::from_secs(1)));
            return Ok(None);
        }
        // SAFETY: a `Handle` is laid out as a handle is.
        let result = unsafe { WaitForMultipleObjects(handles.len() as u32, handles.as_ptr().cast(), 0, most) };
        match result {
            f::WAIT_FAILED => return Err(Host::last()),
            f::WAIT_TIMEOUT => {}
            first => return Ok(Some(first.wrapping_sub(f::WAIT_OBJECT_0) as usize)),
        }
        let Some(deadline) = deadline else {
            if time.is_some() {
                return Ok(None);
            }
            continue;
        };
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(None);
        }
        left = Some(rest);
    }
}
