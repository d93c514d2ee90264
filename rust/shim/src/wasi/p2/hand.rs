//! What changes hands between the host and components: descriptors of a store that become resources, and resources of
//! WASI that the host drops.

use super::enter::Wasi;
use super::fault::or_trap;
use super::linker::{Undropped, drop_of};
use super::nodes::{Node, Shared};
use super::poll::Pollable;
use super::streams::{Input, Output, Source};
use super::tcp::Tcp;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Outcome};
use crate::wasi::host::Direction;
use crate::wasi::options::bad_argument;
use wasmtime::component::{Resource, ResourceAny};
use wasmtime::{AsContextMut, Result, StoreContextMut};
use wasmtime_c_api::WasmtimeStoreData as Data;
use wasmtime_wasi::p1::types::Whence;
use wasmtime_wasi::p2::bindings::filesystem::types::Descriptor;
use wasmtime_wasi::p2::bindings::sockets::tcp::TcpSocket;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, IoError};

/// A descriptor becomes a `descriptor` of `wasi:filesystem`.
pub const WASMTIME_WASI_DESCRIPTOR: u32 = 0;
/// A descriptor becomes an `input-stream` of `wasi:io`.
pub const WASMTIME_WASI_INPUT_STREAM: u32 = 1;
/// A descriptor becomes an `output-stream` of `wasi:io`.
pub const WASMTIME_WASI_OUTPUT_STREAM: u32 = 2;
/// A descriptor becomes an `input-stream` and an `output-stream`, as a connection has them.
pub const WASMTIME_WASI_BOTH_STREAMS: u32 = 3;
/// A descriptor becomes a `pollable` of `wasi:io`, which is ready when there is something to be read.
pub const WASMTIME_WASI_POLLABLE: u32 = 4;
/// A connection or a listener becomes a `tcp-socket` of `wasi:sockets`: a connection with an `input-stream` and an
/// `output-stream` behind it, as `finish-connect` and `accept` return them.
pub const WASMTIME_WASI_TCP_SOCKET: u32 = 5;

/// Makes resources of what is at a number of a store, which is free then: one, or the two streams.
pub(crate) fn hand_over(mut context: StoreContextMut<'_, Data>, fd: u32, what: u32) -> Result<Vec<ResourceAny>> {
    let made = Wasi::enter(context.as_context_mut(), |wasi| {
        let at = check(wasi, fd, what)?;
        or_trap(make_room(wasi, what))?;
        let Some(entry) = wasi.state.descriptors.take(fd) else { return Err(not_open(fd)) };
        or_trap(make(wasi, entry, at, what))
    })?;
    made.into_iter()
        .map(|made| match made {
            Made::Descriptor(number) => {
                ResourceAny::try_from_resource(Resource::<Descriptor>::new_own(number), context.as_context_mut())
            }
            Made::Input(number) => {
                ResourceAny::try_from_resource(Resource::<DynInputStream>::new_own(number), context.as_context_mut())
            }
            Made::Output(number) => {
                ResourceAny::try_from_resource(Resource::<DynOutputStream>::new_own(number), context.as_context_mut())
            }
            Made::Socket(number) => {
                ResourceAny::try_from_resource(Resource::<TcpSocket>::new_own(number), context.as_context_mut())
            }
            Made::Pollable(number) => {
                ResourceAny::try_from_resource(Resource::<DynPollable>::new_own(number), context.as_context_mut())
            }
        })
        .collect()
}

/// Makes an `error` of `wasi:io` of a text.
pub(crate) fn hand_error(mut context: StoreContextMut<'_, Data>, text: String) -> Result<ResourceAny> {
    let number = Wasi::enter(context.as_context_mut(), |wasi| {
        let error: IoError = wasmtime::Error::msg(text);
        or_trap(wasi.push(error))
    })?;
    ResourceAny::try_from_resource(Resource::<IoError>::new_own(number), context)
}

/// A resource, by its number in the table.
enum Made {
    Descriptor(u32),
    Input(u32),
    Output(u32),
    Pollable(u32),
    Socket(u32),
}

/// Finds out what a descriptor cannot become, before it is taken, and where a stream of it begins.
fn check(wasi: &mut Wasi<'_>, fd: u32, what: u32) -> Result<u64> {
    let entry: &Entry = wasi.state.descriptors.get(fd.cast_signed()).map_err(|_| not_open(fd))?;
    match (entry, what) {
        (Entry::Inner(_), _) => Err(bad_argument("the descriptor was configured with the C API's own functions")),
        (_, WASMTIME_WASI_POLLABLE) => Ok(0),
        (_, WASMTIME_WASI_DESCRIPTOR) => match entry {
            Entry::Stream(_) => Err(bad_argument("a stream cannot be a descriptor of WASI 0.2")),
            Entry::Host(file) if file.is_socket() => Err(bad_argument("a socket cannot be a descriptor of WASI 0.2")),
            _ => Ok(0),
        },
        (_, WASMTIME_WASI_TCP_SOCKET) if Tcp::can_be(entry) => Ok(0),
        (_, WASMTIME_WASI_TCP_SOCKET) => {
            Err(bad_argument("only a connection or a listener can be a tcp-socket of WASI 0.2"))
        }
        (_, WASMTIME_WASI_INPUT_STREAM | WASMTIME_WASI_OUTPUT_STREAM | WASMTIME_WASI_BOTH_STREAMS) => {
            check_stream(entry, what)?;
            or_trap(position(entry))
        }
        _ => Err(bad_argument(format!("{what} is nothing that a descriptor can become"))),
    }
}

/// Finds out whether a descriptor can become the streams that are wanted.
fn check_stream(entry: &Entry, what: u32) -> Result<()> {
    let (reads, writes) = match entry {
        Entry::Dir(_) | Entry::ServedDir(_) | Entry::Inner(_) => {
            return Err(bad_argument("a directory cannot be a stream"));
        }
        Entry::Stream(stream) if stream.listens() => return Err(bad_argument("a listener cannot be a stream")),
        Entry::Host(file) if file.listens() => return Err(bad_argument("a listener cannot be a stream")),
        Entry::Host(file) if file.is_socket() && !file.is_stream_socket() => {
            return Err(bad_argument("a socket of datagrams cannot be a stream"));
        }
        Entry::Stream(stream) => (stream.check(Direction::Read), stream.check(Direction::Write)),
        Entry::Host(file) => (file.check_readable(), file.check_writable()),
        Entry::ServedFile(file) => (file.check_readable(), file.check_writable()),
    };
    if what != WASMTIME_WASI_OUTPUT_STREAM && reads.is_err() {
        return Err(bad_argument("what can only be written cannot be an input-stream"));
    }
    if what != WASMTIME_WASI_INPUT_STREAM && writes.is_err() {
        return Err(bad_argument("what can only be read cannot be an output-stream"));
    }
    Ok(())
}

/// A file goes on where its position is.
fn position(entry: &Entry) -> Outcome<u64> {
    match entry {
        Entry::Host(file) if file.seeks() => Ok(file.seek(0, Whence::Cur)?),
        Entry::ServedFile(file) => file.seek(0, Whence::Cur),
        _ => Ok(0),
    }
}

/// Makes sure that there may be so many resources more, before the descriptor is taken.
fn make_room(wasi: &mut Wasi<'_>, what: u32) -> Outcome {
    match what {
        WASMTIME_WASI_DESCRIPTOR | WASMTIME_WASI_TCP_SOCKET => wasi.may_count_descriptor()?,
        WASMTIME_WASI_POLLABLE => wasi.may_have_pollable()?,
        _ => (),
    }
    wasi.reserve(match what {
        WASMTIME_WASI_TCP_SOCKET => 3,
        WASMTIME_WASI_BOTH_STREAMS | WASMTIME_WASI_POLLABLE => 2,
        _ => 1,
    })
}

/// There is room for all of it.
fn make(wasi: &mut Wasi<'_>, entry: Entry, at: u64, what: u32) -> Outcome<Vec<Made>> {
    if what == WASMTIME_WASI_DESCRIPTOR {
        return Ok(vec![Made::Descriptor(wasi.new_descriptor(Node::new(entry)?)?.rep())]);
    }
    if what == WASMTIME_WASI_TCP_SOCKET {
        let (socket, streams) = wasi.give(entry)?;
        let streams = streams.map(|(input, output)| [Made::Input(input), Made::Output(output)]);
        return Ok([Made::Socket(socket)].into_iter().chain(streams.into_iter().flatten()).collect());
    }
    let source = match entry {
        Entry::Host(file) => Source::File(Shared::new(file)),
        Entry::ServedFile(file) => Source::Served(Shared::new(file)),
        Entry::Stream(stream) => Source::Stream(Shared::new(stream)),
        Entry::Dir(_) | Entry::ServedDir(_) | Entry::Inner(_) => return Err(Errno::Notsup.into()),
    };
    if what == WASMTIME_WASI_POLLABLE {
        let stream = wasi.push(Input::new(source, at))?;
        return Ok(vec![Made::Pollable(wasi.new_pollable(Pollable::Made(stream), Some(stream))?.rep())]);
    }
    let mut made = Vec::new();
    if what != WASMTIME_WASI_OUTPUT_STREAM {
        made.push(Made::Input(wasi.push(Input::new(source.clone(), at))?));
    }
    if what != WASMTIME_WASI_INPUT_STREAM {
        made.push(Made::Output(wasi.push(Output::new(source, Some(at)))?));
    }
    Ok(made)
}

fn not_open(fd: u32) -> wasmtime::Error {
    ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_FD_NOT_OPEN,
        format!("descriptor {fd} of the store is not open"),
    )
}

/// Whether a resource that the host owns is one of WASI.
pub(crate) fn is_ours(resource: &ResourceAny) -> bool {
    resource.owned() && drop_of(resource.ty()).is_some()
}

/// Drops a resource that the host owns, as a component would: one that the host has made knows no destructor.
pub(crate) fn drop_resource(
    mut context: StoreContextMut<'_, Data>,
    resource: ResourceAny,
) -> std::result::Result<(), Undropped> {
    if resource.owned()
        && let Some(drop_it) = drop_of(resource.ty())
    {
        return drop_it(context.as_context_mut(), resource);
    }
    resource.resource_drop(context).map_err(|error| Undropped { error, still: None })
}
