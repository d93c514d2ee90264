//! How the kind of a handle is found.

use super::Kind;
use super::errno::Host;
use super::sys::{self, Handle};
use std::sync::Once;
use windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE;
use windows_sys::Win32::Networking::WinSock as w;
use windows_sys::Win32::Storage::FileSystem as fs;
use windows_sys::Win32::System::Console::GetConsoleMode;

impl Kind {
    /// Finds the kind of an open handle. `ERROR_INVALID_HANDLE` for one that is none of a file.
    pub(super) fn of(handle: Handle) -> Result<Kind, Host> {
        // SAFETY: the system itself checks the handle.
        Ok(match unsafe { fs::GetFileType(handle.raw()) } {
            fs::FILE_TYPE_DISK => disk(handle),
            fs::FILE_TYPE_CHAR if is_console(handle) => Kind::Terminal,
            fs::FILE_TYPE_CHAR if sys::is_null_device(handle) => Kind::Null,
            fs::FILE_TYPE_CHAR => Kind::Other,
            fs::FILE_TYPE_PIPE => socket(handle).unwrap_or(Kind::Pipe),
            _ => match Host::last() {
                Host(0) => Kind::Other,
                error => return Err(error),
            },
        })
    }
}

fn disk(handle: Handle) -> Kind {
    // SAFETY: the structure belongs to the class.
    match unsafe { sys::information::<fs::FILE_STANDARD_INFO>(handle, fs::FileStandardInfo) } {
        Ok(file) if file.Directory => Kind::Directory,
        Ok(_) => Kind::Regular,
        Err(_) => Kind::BlockDevice,
    }
}

fn is_console(handle: Handle) -> bool {
    let mut mode = 0;
    // SAFETY: the mode is local.
    unsafe { GetConsoleMode(handle.raw(), &raw mut mode) != 0 }
}

/// The kind of a socket, and nothing for a pipe.
fn socket(handle: Handle) -> Option<Kind> {
    start_winsock();
    let option = |name| {
        let (mut value, mut len) = (0_i32, size_of::<i32>() as i32);
        // SAFETY: both are local and as large as is said.
        let result =
            unsafe { w::getsockopt(handle.socket(), w::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut len) };
        (result == 0).then_some(value)
    };
    Some(match option(w::SO_TYPE)? {
        w::SOCK_DGRAM => Kind::SocketDgram,
        _ if option(w::SO_ACCEPTCONN).is_some_and(|value| value & 0xff != 0) => Kind::Listener,
        _ => Kind::SocketStream,
    })
}

/// Nobody may use sockets before; whoever made the host's socket has done so, but any handle can be asked whether it
/// is one.
fn start_winsock() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // SAFETY: the structure is plain numbers, for which zero is a value.
        let mut data: w::WSADATA = unsafe { std::mem::zeroed() };
        // SAFETY: the structure is local. If it fails nothing is a socket.
        unsafe { w::WSAStartup(0x202, &raw mut data) };
    });
}

/// Another handle to the same socket: by the way that all providers of sockets know.
pub(super) fn duplicate_socket(handle: Handle) -> Result<std::os::windows::io::OwnedHandle, Host> {
    use std::os::windows::io::FromRawHandle;
    use windows_sys::Win32::System::Threading::GetCurrentProcessId;
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut info: w::WSAPROTOCOL_INFOW = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is local.
    sys::socket_done(unsafe { w::WSADuplicateSocketW(handle.socket(), GetCurrentProcessId(), &raw mut info) })?;
    let any = w::FROM_PROTOCOL_INFO;
    let flags = w::WSA_FLAG_OVERLAPPED | w::WSA_FLAG_NO_HANDLE_INHERIT;
    // SAFETY: the structure is what the call before has written.
    let socket = unsafe { w::WSASocketW(any, any, any, &raw const info, 0, flags) };
    if socket == w::INVALID_SOCKET {
        // SAFETY: it reads a value of this thread.
        return Err(Host::socket(unsafe { w::WSAGetLastError() }));
    }
    if socket == 0 {
        return Err(Host(ERROR_INVALID_HANDLE));
    }
    // SAFETY: it was just made, and nobody else has it. Sockets of all providers that Windows has are handles.
    Ok(unsafe { std::os::windows::io::OwnedHandle::from_raw_handle(socket as _) })
}
