//! Waiting for sockets, without touching them: what `select` and `WSAPoll` do underneath, as an operation that other
//! waits can be combined with, as libuv, mio and wepoll have it.

use super::errno::Host;
use super::sys::{self, Handle};
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::sync::OnceLock;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{FILE_OPEN, NtCancelIoFileEx, NtCreateFile};
use windows_sys::Wdk::System::IO::NtDeviceIoControlFile;
use windows_sys::Win32::Foundation::{STATUS_PENDING, STATUS_SUCCESS, UNICODE_STRING};
use windows_sys::Win32::Networking::WinSock as w;
use windows_sys::Win32::Storage::FileSystem::{FILE_SHARE_READ, FILE_SHARE_WRITE, SYNCHRONIZE};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

const IOCTL_AFD_POLL: u32 = 0x0001_2024;

/// What can happen to a socket.
pub(super) const RECEIVE: u32 = 0x1;
pub(super) const SEND: u32 = 0x4;
/// The other side sends nothing more.
pub(super) const DISCONNECT: u32 = 0x8;
pub(super) const ABORT: u32 = 0x10;
pub(super) const LOCAL_CLOSE: u32 = 0x20;
pub(super) const ACCEPT: u32 = 0x80;
pub(super) const CONNECT_FAIL: u32 = 0x100;

/// One wait for several sockets.
pub(super) struct Poll {
    block: Box<Block>,
    event: OwnedHandle,
    pending: bool,
}

struct Block {
    status: IO_STATUS_BLOCK,
    /// `AFD_POLL_INFO`: a timeout, the number of sockets and whether others are to stop waiting; then for each socket
    /// its handle, what to wait for or what has happened, and a status.
    info: Vec<[u64; 2]>,
}

impl Poll {
    /// Begins to wait for sockets, or only looks at them.
    pub(super) fn begin(sockets: &[(Handle, u32)], waits: bool) -> Result<Poll, Host> {
        let timeout = if waits { i64::MAX.cast_unsigned() } else { 0 };
        let mut info = vec![[timeout, sockets.len() as u64]];
        for (socket, what) in sockets {
            info.push([base(*socket)? as u64, u64::from(*what)]);
        }
        // SAFETY: the structure is plain numbers, for which zero is a value.
        let mut block = Box::new(Block { status: unsafe { std::mem::zeroed() }, info });
        block.status.Anonymous.Status = STATUS_PENDING;
        let event = sys::new_event()?;
        let (at, size) = (block.info.as_mut_ptr(), (block.info.len() * 16) as u32);
        let (device, status) = (device()?, &raw mut block.status);
        // SAFETY: the block stays where it is until the operation has ended.
        let result = unsafe {
            NtDeviceIoControlFile(
                device.raw(),
                Handle::from(&event).raw(),
                None,
                std::ptr::null(),
                status,
                IOCTL_AFD_POLL,
                at.cast(),
                size,
                at.cast(),
                size,
            )
        };
        match result {
            STATUS_PENDING => Ok(Poll { block, event, pending: true }),
            // Done; or nothing has happened, and nobody wanted to wait.
            0.. => Ok(Poll { block, event, pending: false }),
            error => Err(Host::of_status(error)),
        }
    }

    /// What is set when something has happened.
    pub(super) fn event(&self) -> Handle {
        Handle::from(&self.event)
    }

    /// Ends the wait, and tells what has happened by now: the sockets as the system knows them.
    pub(super) fn end(mut self) -> Result<Vec<(w::SOCKET, u32)>, Host> {
        self.stop()?;
        // SAFETY: the operation has ended, and this is how.
        if unsafe { self.block.status.Anonymous.Status } != STATUS_SUCCESS {
            return Ok(Vec::new());
        }
        let count = self.block.info[0][1] as u32 as usize;
        Ok(self.block.info.iter().skip(1).take(count).map(|entry| (entry[0] as w::SOCKET, entry[1] as u32)).collect())
    }

    /// Takes the operation back, unless it has ended.
    fn stop(&mut self) -> Result<(), Host> {
        if !self.pending {
            return Ok(());
        }
        if let Ok(device) = device() {
            // SAFETY: the structure is plain numbers, for which zero is a value.
            let mut status: IO_STATUS_BLOCK = unsafe { std::mem::zeroed() };
            // SAFETY: the block is the operation's. It fails when the operation has just ended.
            unsafe { NtCancelIoFileEx(device.raw(), &raw const self.block.status, &raw mut status) };
        }
        sys::wait_any(&[self.event()], None)?;
        self.pending = false;
        Ok(())
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        if self.stop().is_err() {
            // The system may still write it.
            let block = std::mem::replace(
                &mut self.block,
                // SAFETY: the structure is plain numbers, for which zero is a value.
                Box::new(Block { status: unsafe { std::mem::zeroed() }, info: Vec::new() }),
            );
            std::mem::forget(block);
        }
    }
}

/// The socket below those that additions to the system may have put around it.
pub(super) fn base(socket: Handle) -> Result<w::SOCKET, Host> {
    let (mut base, mut n): (w::SOCKET, u32) = (0, 0);
    // SAFETY: the result is local and as large as is said.
    let asked = unsafe {
        w::WSAIoctl(
            socket.socket(),
            w::SIO_BASE_HANDLE,
            std::ptr::null(),
            0,
            (&raw mut base).cast(),
            size_of::<w::SOCKET>() as u32,
            &raw mut n,
            std::ptr::null_mut(),
            None,
        )
    };
    sys::socket_done(asked).map(|()| base)
}

/// What takes the operations of this file: opened once for the process.
fn device() -> Result<Handle, Host> {
    static DEVICE: OnceLock<OwnedHandle> = OnceLock::new();
    if let Some(device) = DEVICE.get() {
        return Ok(device.into());
    }
    let mut name: Vec<u16> = r"\Device\Afd\Wasmtime".encode_utf16().collect();
    let bytes = (name.len() * 2) as u16;
    let mut name = UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: name.as_mut_ptr() };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        RootDirectory: std::ptr::null_mut(),
        ObjectName: &raw mut name,
        Attributes: 0,
        SecurityDescriptor: std::ptr::null_mut(),
        SecurityQualityOfService: std::ptr::null_mut(),
    };
    let mut device = std::ptr::null_mut();
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut status: IO_STATUS_BLOCK = unsafe { std::mem::zeroed() };
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE;
    // SAFETY: everything is local and lives as long as the call.
    let result = unsafe {
        NtCreateFile(
            &raw mut device,
            SYNCHRONIZE,
            &raw const attributes,
            &raw mut status,
            std::ptr::null(),
            0,
            share,
            FILE_OPEN,
            0,
            std::ptr::null(),
            0,
        )
    };
    if result != STATUS_SUCCESS {
        return Err(Host::of_status(result));
    }
    // SAFETY: it was just made, and nobody else has it.
    let opened = unsafe { OwnedHandle::from_raw_handle(device) };
    Ok(DEVICE.get_or_init(|| opened).into())
}
