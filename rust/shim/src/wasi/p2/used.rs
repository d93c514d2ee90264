//! What the host itself does with resources of WASI: with those that a component has passed to it, and with its own.
//!
//! It is what a component would do, by the same functions: so the access mode holds, a wait ends when the component has
//! to stop, and it makes no difference what is behind a resource.

use super::bytes::Given;
use super::enter::Wasi;
use super::fault::{Failed, answer, code, is_of_connection, network_code};
use super::taken::Taken;
use crate::wake::check_stop;
use crate::wasi::host::Direction;
use crate::wasi::memory::Span;
use crate::wasi::options::bad_argument;
use std::ptr;
use std::slice;
use wasmtime::component::{Resource, ResourceAny, ResourceType};
use wasmtime::{AsContextMut, Result, StoreContextMut};
use wasmtime_c_api::WasmtimeStoreData as Data;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DirectoryEntryStream, ErrorCode, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode as NetworkCode;
use wasmtime_wasi::p2::bindings::sockets::tcp::{ShutdownType, TcpSocket};
use wasmtime_wasi::p2::bindings::sync::io::streams::StreamError;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, IoError};

/// Nothing but find out what it is: `count` has bit 0 set if it can be read, 1 if it can be written, 2 if it is a
/// directory in which something can be changed, 3 if it is a directory.
pub const WASMTIME_WASI_USE_NOT: u32 = 0;
/// Read from an input-stream into `buffer`, as soon as there is something; `count` says how many bytes.
pub const WASMTIME_WASI_USE_READ: u32 = 1;
/// Write all of `buffer` to an output-stream.
pub const WASMTIME_WASI_USE_WRITE: u32 = 2;
/// Wait until all is written that was written to an output-stream.
pub const WASMTIME_WASI_USE_FLUSH: u32 = 3;
/// Read from a file into `buffer`, from the offset `number` on; `count` says how many bytes, 0 at the end.
pub const WASMTIME_WASI_USE_READ_AT: u32 = 4;
/// Write `buffer` to a file, from the offset `number` on; `count` says how many bytes.
pub const WASMTIME_WASI_USE_WRITE_AT: u32 = 5;
/// Write the attributes to `buffer`, as six numbers of 64 bits: that of the `descriptor-type`, how many links there
/// are, the size in bytes, and when it was accessed, modified, and its attributes changed last, in nanoseconds since
/// 1970, or 0 if that is not known.
pub const WASMTIME_WASI_USE_STAT: u32 = 6;
/// Make `number` the size of a file.
pub const WASMTIME_WASI_USE_SET_SIZE: u32 = 7;
/// Wait until all is on its medium.
pub const WASMTIME_WASI_USE_SYNC: u32 = 8;
/// Begin to list a directory; `count` says which listing it is.
pub const WASMTIME_WASI_USE_LIST: u32 = 9;
/// Write the next name of the listing `number` to `buffer`. `count` is its length, with its type in WASI 0.2 as the
/// bits from 32 on.
pub const WASMTIME_WASI_USE_LIST_NEXT: u32 = 10;
/// End the listing `number`.
pub const WASMTIME_WASI_USE_LIST_END: u32 = 11;
/// Open the path in `buffer` below a directory. The bits of `number` say how: those of `open-flags` in WASI 0.2 are the
/// lowest, those of `descriptor-flags` follow from bit 8 on. A symbolic link at the end is followed. `count` will be
/// the handle of a new descriptor.
pub const WASMTIME_WASI_USE_OPEN: u32 = 12;
/// As `WASMTIME_WASI_USE_STAT`, of a path below a directory, which is in `buffer`: `number` is its length in bytes,
/// with bit 63 set if a symbolic link at its end is followed.
pub const WASMTIME_WASI_USE_STAT_AT: u32 = 13;
/// Take a stream out of the store, which the host has to own, to be used by any thread. `count` will be the address of
/// a `wasmtime_wasi_taken_t` that the caller owns, and the handle is gone; or, with `WASMTIME_WASI_USED_SERVED`, the
/// number of a stream of the binding's, and the resource stays. Or it is `WASMTIME_WASI_USED_OTHER`: a file of a file
/// system that the binding serves cannot be taken out.
pub const WASMTIME_WASI_USE_TAKE: u32 = 14;
/// Shut a tcp-socket down: bit 0 of `number` says that nothing more is received, bit 1 that nothing more is sent.
pub const WASMTIME_WASI_USE_SHUTDOWN: u32 = 15;

/// Done.
pub const WASMTIME_WASI_USED: u32 = 0;
/// There is nothing more: the end of a listing, of an input-stream, or of who reads an output-stream.
pub const WASMTIME_WASI_USED_END: u32 = 1;
/// It failed; `count` is the number of an `error-code` of `wasi:filesystem`.
pub const WASMTIME_WASI_USED_FAILED: u32 = 2;
/// It failed; `count` is the number of an `error-code` of `wasi:sockets`.
pub const WASMTIME_WASI_USED_NETWORK: u32 = 3;
/// The handle is that of something else than what was said.
pub const WASMTIME_WASI_USED_OTHER: u32 = 4;
/// It would have to wait.
pub const WASMTIME_WASI_USED_WAITS: u32 = 5;
/// The binding itself serves the stream; `count` is the number that it was inserted with.
pub const WASMTIME_WASI_USED_SERVED: u32 = 6;

/// What the host does with a resource of WASI 0.2, and what came of it.
#[repr(C)]
pub struct wasmtime_wasi_use_t {
    /// What it is: `WASMTIME_WASI_DESCRIPTOR`, `WASMTIME_WASI_INPUT_STREAM`, `WASMTIME_WASI_OUTPUT_STREAM` or
    /// `WASMTIME_WASI_TCP_SOCKET`.
    pub kind: u32,
    /// What to do: a `WASMTIME_WASI_USE_*` for that.
    pub what: u32,
    /// Memory of the caller's; may be null if `len` is 0.
    pub buffer: *mut u8,
    /// How many bytes it has.
    pub len: usize,
    /// What `what` says that it is.
    pub number: u64,
    /// The answer: a `WASMTIME_WASI_USED*`.
    pub status: u32,
    /// Whether the host owns the resource, and not somebody who has lent it.
    pub owned: bool,
    /// What `what` or `status` says that it is.
    pub count: u64,
}

/// The resource of WIT that a kind is.
fn type_of(kind: u32) -> Option<ResourceType> {
    match kind {
        super::WASMTIME_WASI_DESCRIPTOR => Some(ResourceType::host::<Descriptor>()),
        super::WASMTIME_WASI_INPUT_STREAM => Some(ResourceType::host::<DynInputStream>()),
        super::WASMTIME_WASI_OUTPUT_STREAM => Some(ResourceType::host::<DynOutputStream>()),
        super::WASMTIME_WASI_TCP_SOCKET => Some(ResourceType::host::<TcpSocket>()),
        _ => None,
    }
}

/// Whether a resource is of a kind.
pub(crate) fn is_kind(resource: &ResourceAny, kind: u32) -> bool {
    type_of(kind).is_some_and(|ty| resource.ty() == ty)
}

/// The number of an owned resource in the table, and the resource as it is from now on: upstream tells the number only
/// when it is given the resource.
pub(crate) fn number_of(
    mut context: StoreContextMut<'_, Data>,
    resource: ResourceAny,
    kind: u32,
) -> Result<(ResourceAny, u32)> {
    fn renewed<T: 'static>(
        mut context: StoreContextMut<'_, Data>,
        resource: ResourceAny,
    ) -> Result<(ResourceAny, u32)> {
        let number = resource.try_into_resource::<T>(&mut context)?.rep();
        Ok((ResourceAny::try_from_resource(Resource::<T>::new_own(number), context)?, number))
    }
    let context = context.as_context_mut();
    match kind {
        super::WASMTIME_WASI_DESCRIPTOR => renewed::<Descriptor>(context, resource),
        super::WASMTIME_WASI_INPUT_STREAM => renewed::<DynInputStream>(context, resource),
        super::WASMTIME_WASI_TCP_SOCKET => renewed::<TcpSocket>(context, resource),
        _ => renewed::<DynOutputStream>(context, resource),
    }
}

/// A descriptor that was opened for the host, as a resource.
pub(crate) fn opened(context: StoreContextMut<'_, Data>, number: u32) -> Result<ResourceAny> {
    ResourceAny::try_from_resource(Resource::<Descriptor>::new_own(number), context)
}

/// Takes the stream of a number out of the store. What it stands for is gone then, unless the binding serves it.
pub(crate) fn take_out(context: StoreContextMut<'_, Data>, number: u32, kind: u32) -> Result<Taken> {
    Wasi::enter(context, |wasi| match kind {
        super::WASMTIME_WASI_INPUT_STREAM => wasi.take_apart(number, Direction::Read),
        super::WASMTIME_WASI_OUTPUT_STREAM => wasi.take_apart(number, Direction::Write),
        _ => Err(unknown(WASMTIME_WASI_USE_TAKE)),
    })
}

/// Forgets the resource of a stream that was taken out.
pub(crate) fn forget(context: StoreContextMut<'_, Data>, resource: ResourceAny, kind: u32) -> Result<()> {
    match kind {
        super::WASMTIME_WASI_INPUT_STREAM => resource.try_into_resource::<DynInputStream>(context).map(drop),
        _ => resource.try_into_resource::<DynOutputStream>(context).map(drop),
    }
}

/// Why something was not done.
enum Why {
    End,
    File(ErrorCode),
    Network(NetworkCode),
}

impl From<ErrorCode> for Why {
    fn from(code: ErrorCode) -> Why {
        Why::File(code)
    }
}

/// What comes of a use: a number, or why not.
type Used = Result<std::result::Result<u64, Why>>;

/// Does what is asked for with the resource of a number. It has to be of the kind that the request says.
///
/// # Safety
///
/// The buffer must be good, and nobody else use it.
pub(crate) unsafe fn use_resource(
    context: StoreContextMut<'_, Data>,
    number: u32,
    request: &mut wasmtime_wasi_use_t,
) -> Result<()> {
    let used = Wasi::enter(context, |wasi| {
        check_stop::<wasmtime::Error>(wasi.state.waker())?;
        // SAFETY: the caller vouches for the buffer.
        unsafe {
            match request.kind {
                super::WASMTIME_WASI_DESCRIPTOR => wasi.use_descriptor(number, request),
                super::WASMTIME_WASI_INPUT_STREAM => wasi.use_input(number, request),
                super::WASMTIME_WASI_TCP_SOCKET => wasi.use_socket(number, request),
                _ => wasi.use_output(number, request),
            }
        }
    })?;
    (request.status, request.count) = match used {
        Ok(count) => (WASMTIME_WASI_USED, count),
        Err(Why::End) => (WASMTIME_WASI_USED_END, 0),
        Err(Why::File(code)) => (WASMTIME_WASI_USED_FAILED, code as u64),
        Err(Why::Network(code)) => (WASMTIME_WASI_USED_NETWORK, code as u64),
    };
    Ok(())
}

/// What is in a request's buffer.
///
/// # Safety
///
/// The buffer must be good.
unsafe fn contents(request: &wasmtime_wasi_use_t) -> Vec<u8> {
    if request.len == 0 {
        return Vec::new();
    }
    // SAFETY: the caller vouches for it.
    unsafe { slice::from_raw_parts(request.buffer, request.len) }.to_vec()
}

/// Puts bytes, as far as they fit, into a request's buffer.
///
/// # Safety
///
/// The buffer must be good.
unsafe fn fill(request: &wasmtime_wasi_use_t, bytes: &[u8]) -> u64 {
    let n = bytes.len().min(request.len);
    if n > 0 {
        // SAFETY: there are so many bytes in both, which are not the same.
        unsafe { request.buffer.copy_from_nonoverlapping(bytes.as_ptr(), n) };
    }
    n as u64
}

/// How something is to be opened.
fn opening(bits: u64) -> (OpenFlags, DescriptorFlags) {
    let (mut how, mut flags) = (OpenFlags::empty(), DescriptorFlags::empty());
    let open = [OpenFlags::CREATE, OpenFlags::DIRECTORY, OpenFlags::EXCLUSIVE, OpenFlags::TRUNCATE];
    let descriptor = [
        DescriptorFlags::READ,
        DescriptorFlags::WRITE,
        DescriptorFlags::FILE_INTEGRITY_SYNC,
        DescriptorFlags::DATA_INTEGRITY_SYNC,
        DescriptorFlags::REQUESTED_WRITE_SYNC,
        DescriptorFlags::MUTATE_DIRECTORY,
    ];
    for (bit, flag) in (0..).zip(open) {
        if bits >> bit & 1 == 1 {
            how |= flag;
        }
    }
    for (bit, flag) in (8..).zip(descriptor) {
        if bits >> bit & 1 == 1 {
            flags |= flag;
        }
    }
    (how, flags)
}

fn unknown(what: u32) -> wasmtime::Error {
    bad_argument(format!("{what} is nothing that can be done with the resource"))
}

impl Wasi<'_> {
    /// What the host hears of something done to a stream.
    fn heard<T>(&mut self, answer: std::result::Result<T, StreamError>) -> Result<std::result::Result<T, Why>> {
        Ok(match answer {
            Ok(value) => Ok(value),
            Err(StreamError::Closed) => Err(Why::End),
            Err(StreamError::LastOperationFailed(error)) => {
                let error: IoError = self.take(error.rep())?;
                Err(match (error.downcast_ref::<Failed>(), error.downcast_ref::<NetworkCode>()) {
                    (Some(failed), _) if is_of_connection(failed.0) => Why::Network(network_code(failed.0)),
                    (Some(failed), _) => Why::File(code(failed.0)),
                    (_, Some(code)) => Why::Network(*code),
                    _ => Why::File(ErrorCode::Io),
                })
            }
        })
    }

    /// # Safety
    ///
    /// The buffer must be good.
    unsafe fn use_input(&mut self, number: u32, request: &wasmtime_wasi_use_t) -> Used {
        match request.what {
            WASMTIME_WASI_USE_NOT => Ok(Ok(1)),
            WASMTIME_WASI_USE_READ => {
                let read = self.host_read(&Resource::new_borrow(number), request.len as u64)?;
                // SAFETY: the caller vouches for the buffer.
                Ok(self.heard(read)?.map(|bytes| unsafe { fill(request, &bytes) }))
            }
            what => Err(unknown(what)),
        }
    }

    /// # Safety
    ///
    /// The buffer must be good.
    unsafe fn use_output(&mut self, number: u32, request: &wasmtime_wasi_use_t) -> Used {
        let done = match request.what {
            WASMTIME_WASI_USE_NOT => return Ok(Ok(2)),
            // SAFETY: the caller vouches for the buffer.
            WASMTIME_WASI_USE_WRITE => self.host_write(&Resource::new_borrow(number), unsafe { contents(request) })?,
            WASMTIME_WASI_USE_FLUSH => self.output_blocking_flush(Resource::new_borrow(number))?,
            what => return Err(unknown(what)),
        };
        Ok(self.heard(done)?.map(|()| request.len as u64))
    }

    fn use_socket(&mut self, number: u32, request: &wasmtime_wasi_use_t) -> Used {
        let how = match (request.what, request.number) {
            (WASMTIME_WASI_USE_NOT, _) => return Ok(Ok(3)),
            (WASMTIME_WASI_USE_SHUTDOWN, 1) => ShutdownType::Receive,
            (WASMTIME_WASI_USE_SHUTDOWN, 2) => ShutdownType::Send,
            (WASMTIME_WASI_USE_SHUTDOWN, 3) => ShutdownType::Both,
            (what, _) => return Err(unknown(what)),
        };
        let done = self.tcp_shutdown(Resource::new_borrow(number), how)?;
        Ok(done.map(|()| 0).map_err(Why::Network))
    }

    /// # Safety
    ///
    /// The buffer must be good.
    unsafe fn use_descriptor(&mut self, number: u32, request: &wasmtime_wasi_use_t) -> Used {
        let this = || Resource::<Descriptor>::new_borrow(number);
        let listing = || Resource::<DirectoryEntryStream>::new_borrow(request.number as u32);
        let nothing = |answer: std::result::Result<(), ErrorCode>| answer.map(|()| 0).map_err(Why::from);
        Ok(match request.what {
            WASMTIME_WASI_USE_NOT => Ok(self.abilities(number)?),
            WASMTIME_WASI_USE_READ_AT => {
                let base = if request.len > 0 { request.buffer } else { ptr::dangling_mut() };
                let room = Span { base, len: request.len };
                answer(self.read_at(number, request.number, room)?)?.map(|n| n as u64).map_err(Why::from)
            }
            WASMTIME_WASI_USE_WRITE_AT => {
                // SAFETY: the caller vouches for the buffer.
                let bytes = unsafe { contents(request) };
                self.write(this(), Given::host(&bytes), request.number)?.map_err(Why::from)
            }
            WASMTIME_WASI_USE_STAT => match self.stat(this())? {
                // SAFETY: as above.
                Ok(stat) => Ok(unsafe { put_stat(request, &stat) }?),
                Err(code) => Err(code.into()),
            },
            WASMTIME_WASI_USE_STAT_AT => {
                // SAFETY: as above.
                let mut path = unsafe { contents(request) };
                path.truncate((request.number << 1 >> 1) as usize);
                let Ok(path) = String::from_utf8(path) else { return Ok(Err(ErrorCode::IllegalByteSequence.into())) };
                let follow = if request.number >> 63 == 0 { PathFlags::empty() } else { PathFlags::SYMLINK_FOLLOW };
                match self.stat_at(this(), follow, path)? {
                    // SAFETY: as above.
                    Ok(stat) => Ok(unsafe { put_stat(request, &stat) }?),
                    Err(code) => Err(code.into()),
                }
            }
            WASMTIME_WASI_USE_SET_SIZE => nothing(self.set_size(this(), request.number)?),
            WASMTIME_WASI_USE_SYNC => nothing(self.sync(this())?),
            WASMTIME_WASI_USE_LIST => {
                self.read_directory(this())?.map(|listing| listing.rep().into()).map_err(Why::from)
            }
            WASMTIME_WASI_USE_LIST_NEXT => match self.read_directory_entry(listing())? {
                Ok(Some(entry)) if entry.name.len() > request.len => Err(ErrorCode::NameTooLong.into()),
                // SAFETY: as above.
                Ok(Some(entry)) => Ok(unsafe { fill(request, entry.name.as_bytes()) } | (entry.type_ as u64) << 32),
                Ok(None) => Err(Why::End),
                Err(code) => Err(code.into()),
            },
            WASMTIME_WASI_USE_LIST_END => {
                self.drop_entries(listing().rep())?;
                Ok(0)
            }
            WASMTIME_WASI_USE_OPEN => {
                // SAFETY: as above.
                let Ok(path) = String::from_utf8(unsafe { contents(request) }) else {
                    return Ok(Err(ErrorCode::IllegalByteSequence.into()));
                };
                let (how, flags) = opening(request.number);
                let opened = self.open_at(this(), PathFlags::SYMLINK_FOLLOW, path, how, flags)?;
                opened.map(|opened| opened.rep().into()).map_err(Why::from)
            }
            what => return Err(unknown(what)),
        })
    }

    /// What can be done with a descriptor, as `WASMTIME_WASI_USE_NOT` says it.
    fn abilities(&mut self, number: u32) -> Result<u64> {
        let flags = self.get_flags(Resource::new_borrow(number))?.unwrap_or(DescriptorFlags::empty());
        let is_dir = self.node(&Resource::new_borrow(number))?.dir().is_ok();
        let can = [DescriptorFlags::READ, DescriptorFlags::WRITE, DescriptorFlags::MUTATE_DIRECTORY];
        let bits = (0..).zip(can).map(|(bit, flag)| u64::from(flags.contains(flag)) << bit).sum::<u64>();
        Ok(bits | u64::from(is_dir) << 3)
    }
}

/// Writes attributes to a request's buffer.
///
/// # Safety
///
/// The buffer must be good.
unsafe fn put_stat(request: &wasmtime_wasi_use_t, stat: &DescriptorStat) -> Result<u64> {
    let time = |time: Option<Datetime>| {
        time.map_or(0, |at| at.seconds.saturating_mul(1_000_000_000).saturating_add(at.nanoseconds.into()))
    };
    let numbers: [u64; 6] = [
        stat.type_ as u64,
        stat.link_count,
        stat.size,
        time(stat.data_access_timestamp),
        time(stat.data_modification_timestamp),
        time(stat.status_change_timestamp),
    ];
    if request.len < size_of_val(&numbers) {
        return Err(bad_argument("the buffer is too small for the attributes"));
    }
    // SAFETY: there is room for it, be it aligned or not.
    unsafe { request.buffer.cast::<[u64; 6]>().write_unaligned(numbers) };
    Ok(size_of_val(&numbers) as u64)
}
