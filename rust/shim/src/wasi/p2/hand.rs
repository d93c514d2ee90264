//! What changes hands between the host and components: descriptors of a store that become resources, and resources of
//! WASI that the host drops.

use super::enter::Wasi;
use super::fault::or_trap;
use super::linker::drop_of;
use super::nodes::{Node, Shared};
use super::poll::Pollable;
use super::streams::{Input, Output, Source};
use super::tcp::Given;
use crate::error::{ExtError, wasmtime_error_code_t};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Outcome};
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
        check(wasi, fd, what)?;
        let Some(entry) = wasi.state.descriptors.take(fd) else { return Err(not_open(fd)) };
        or_trap(make(wasi, entry, what))
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

/// Finds out what a descriptor cannot become, before it is taken.
fn check(wasi: &mut Wasi<'_>, fd: u32, what: u32) -> Result<()> {
    let entry: &Entry = wasi.state.descriptors.get(fd.cast_signed()).map_err(|_| not_open(fd))?;
    match (entry, what) {
        (Entry::Inner(_), _) => Err(bad_argument("the descriptor was configured with the C API's own functions")),
        (_, _) if what > WASMTIME_WASI_TCP_SOCKET => {
            Err(bad_argument(format!("{what} is nothing that a descriptor can become")))
        }
        (Entry::Stream(_), WASMTIME_WASI_DESCRIPTOR) => {
            Err(bad_argument("a stream cannot be a descriptor of WASI 0.2"))
        }
        (entry, WASMTIME_WASI_TCP_SOCKET) if !Given::can_be(entry) => {
            Err(bad_argument("only a connection or a listener can be a tcp-socket of WASI 0.2"))
        }
        (Entry::Dir(_) | Entry::ServedDir(_), WASMTIME_WASI_INPUT_STREAM..) => {
            Err(bad_argument("a directory cannot be a stream"))
        }
        _ => Ok(()),
    }
}

fn make(wasi: &mut Wasi<'_>, entry: Entry, what: u32) -> Outcome<Vec<Made>> {
    if what == WASMTIME_WASI_DESCRIPTOR {
        return Ok(vec![Made::Descriptor(wasi.new_descriptor(Node::new(entry)?)?.rep())]);
    }
    if what == WASMTIME_WASI_TCP_SOCKET {
        let (socket, streams) = wasi.give(entry)?;
        let streams = streams.map(|(input, output)| [Made::Input(input), Made::Output(output)]);
        return Ok([Made::Socket(socket)].into_iter().chain(streams.into_iter().flatten()).collect());
    }
    // A file goes on where its position is.
    let (source, at) = match entry {
        Entry::Host(file) => {
            let at = if file.seeks() { file.seek(0, Whence::Cur)? } else { 0 };
            (Source::File(Shared::new(file)), at)
        }
        Entry::ServedFile(file) => {
            let at = file.seek(0, Whence::Cur)?;
            (Source::Served(Shared::new(file)), at)
        }
        Entry::Stream(stream) => (Source::Stream(Shared::new(stream)), 0),
        Entry::Dir(_) | Entry::ServedDir(_) | Entry::Inner(_) => return Err(Errno::Notsup.into()),
    };
    if what == WASMTIME_WASI_POLLABLE {
        let stream = wasi.push(Input::new(source, at))?;
        return match wasi.push_child(Pollable::Made(stream), &Resource::<Input>::new_borrow(stream)) {
            Ok(number) => Ok(vec![Made::Pollable(number)]),
            Err(fault) => {
                wasi.take::<Input>(stream).map(drop)?;
                Err(fault)
            }
        };
    }
    let mut made = Vec::new();
    if what != WASMTIME_WASI_OUTPUT_STREAM {
        made.push(Made::Input(wasi.push(Input::new(source.clone(), at))?));
    }
    if what != WASMTIME_WASI_INPUT_STREAM {
        match (wasi.push(Output::new(source, Some(at))), made.pop()) {
            (Ok(number), first) => made.extend(first.into_iter().chain([Made::Output(number)])),
            (Err(fault), first) => {
                if let Some(Made::Input(number)) = first {
                    wasi.take::<Input>(number).map(drop)?;
                }
                return Err(fault);
            }
        }
    }
    Ok(made)
}

fn not_open(fd: u32) -> wasmtime::Error {
    ExtError::error(
        wasmtime_error_code_t::WASMTIME_ERROR_FD_NOT_OPEN,
        format!("descriptor {fd} of the store is not open"),
    )
}

/// Drops a resource that the host owns, as a component would: one that the host has made knows no destructor.
pub(crate) fn drop_resource(mut context: StoreContextMut<'_, Data>, resource: ResourceAny) -> Result<()> {
    if resource.owned()
        && let Some(drop_it) = drop_of(resource.ty())
    {
        return drop_it(context.as_context_mut(), resource);
    }
    resource.resource_drop(context)
}
