//! Connections and listeners of the host as `tcp-socket` of `wasi:sockets`. Upstream's sockets cannot be made of what
//! there is already, so these are ours, beside upstream's in the table: bound and connected, or listening, from the
//! start. Whoever has such a socket was given it: no switch of the network and no check of an address is about it.

use super::enter::Wasi;
use super::fault::{Answer, network_code};
use super::nodes::Shared;
use super::poll::{Pollable, Watched};
use super::streams::{Input, Output, Source};
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, HostFile, TcpOption};
use crate::wasi::stream::Stream;
use std::net::SocketAddr;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p1::types::Sdflags;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Network};
use wasmtime_wasi::p2::bindings::sockets::tcp::{ShutdownType, TcpSocket};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};

/// A connection or a listener of the host.
pub(super) struct Given {
    socket: Socket,
    listens: bool,
    /// The number of a connection's output stream in the table, which something else may have when that is gone.
    output: Option<u32>,
}

#[derive(Clone)]
enum Socket {
    Host(Shared<HostFile>),
    /// One that the binding serves.
    Served(Shared<Stream>),
}

/// The numbers of a socket and its streams in the table. A listener has none.
pub(super) type Numbers = (u32, Option<(u32, u32)>);

/// A connection that was accepted.
type Accepted = (Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>);

impl Given {
    /// Whether a descriptor can become such a socket.
    pub(super) fn can_be(entry: &Entry) -> bool {
        match entry {
            Entry::Host(file) => file.is_stream_socket(),
            Entry::Stream(stream) => stream.is_socket(),
            _ => false,
        }
    }

    fn new(entry: Entry) -> Outcome<Given> {
        match entry {
            Entry::Host(mut file) if file.is_stream_socket() => {
                file.set_nonblock(true);
                Ok(Given { listens: file.listens(), socket: Socket::Host(Shared::new(file)), output: None })
            }
            Entry::Stream(mut stream) if stream.is_socket() => {
                stream.set_nonblock(true);
                Ok(Given { listens: stream.listens(), socket: Socket::Served(Shared::new(stream)), output: None })
            }
            _ => Err(Errno::Notsock.into()),
        }
    }

    /// Where the streams come from, and go to.
    fn source(&self) -> Source {
        match &self.socket {
            Socket::Host(file) => Source::File(file.clone()),
            Socket::Served(stream) => Source::Stream(stream.clone()),
        }
    }

    /// The address of this side, or of the other.
    fn address(&self, remote: bool) -> Outcome<SocketAddr> {
        match &self.socket {
            Socket::Host(file) => Ok(file.borrow().address(remote)?),
            Socket::Served(stream) => stream.borrow().address(remote),
        }
    }

    /// Accepts a connection, if there is one.
    fn accept(&self) -> Outcome<Entry> {
        match &self.socket {
            Socket::Host(file) => Ok(Entry::Host(file.borrow().accept(true, None)?)),
            Socket::Served(stream) => stream.borrow().accept(true),
        }
    }

    fn shutdown(&self, how: Sdflags) -> Outcome {
        match &self.socket {
            Socket::Host(file) => Ok(file.borrow().shutdown(how)?),
            Socket::Served(stream) => stream.borrow().shutdown(how),
        }
    }

    fn option(&self, option: TcpOption) -> Outcome<u64> {
        match &self.socket {
            Socket::Host(file) => Ok(file.borrow().tcp_option(option)?),
            Socket::Served(_) => Err(Errno::Notsup.into()),
        }
    }

    fn set_option(&self, option: TcpOption, value: u64) -> Outcome {
        match &self.socket {
            _ if value == 0 && option != TcpOption::KeepAlive => Err(Errno::Inval.into()),
            Socket::Host(file) => Ok(file.borrow().set_tcp_option(option, value)?),
            Socket::Served(_) => Err(Errno::Notsup.into()),
        }
    }
}

/// The answer of a function of `wasi:sockets`.
fn network_answer<T>(outcome: Outcome<T>) -> Answer<T, ErrorCode> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Fault::Errno(errno)) => Ok(Err(network_code(errno))),
        Err(Fault::Trap(error)) => Err(error),
    }
}

/// The options of a socket: a function that asks and one that sets.
macro_rules! options {
    ($($get:ident $set:ident: $ty:ty = $option:ident, $from:expr;)*) => {
        impl Wasi<'_> {$(
            pub(super) fn $get(&mut self, this: Resource<TcpSocket>) -> Answer<$ty, ErrorCode> {
                network_answer(self.given(&this)?.option(TcpOption::$option).map($from))
            }

            pub(super) fn $set(&mut self, this: Resource<TcpSocket>, to: $ty) -> Answer<(), ErrorCode> {
                network_answer(self.given(&this)?.set_option(TcpOption::$option, to.into()))
            }
        )*}
    };
}

options! {
    given_keep_alive given_set_keep_alive: bool = KeepAlive, |value| value != 0;
    given_idle_time given_set_idle_time: u64 = KeepAliveIdle, |value| value;
    given_interval given_set_interval: u64 = KeepAliveInterval, |value| value;
    given_count given_set_count: u32 = KeepAliveCount, |value| u32::try_from(value).unwrap_or(u32::MAX);
    given_hop_limit given_set_hop_limit: u8 = HopLimit, |value| u8::try_from(value).unwrap_or(u8::MAX);
    given_receive_buffer given_set_receive_buffer: u64 = ReceiveBuffer, |value| value;
    given_send_buffer given_set_send_buffer: u64 = SendBuffer, |value| value;
}

impl Wasi<'_> {
    fn given(&self, this: &Resource<TcpSocket>) -> Result<&Given> {
        self.get(this.rep())
    }

    /// Makes a socket of a descriptor, and the two streams of a connection, which have to be gone before it is.
    pub(super) fn give(&mut self, entry: Entry) -> Outcome<Numbers> {
        let given = Given::new(entry)?;
        let (source, listens) = (given.source(), given.listens);
        self.count_descriptor()?;
        let socket = match self.push(given) {
            Ok(socket) => socket,
            Err(fault) => {
                self.uncount_descriptor();
                return Err(fault);
            }
        };
        if listens {
            return Ok((socket, None));
        }
        let parent = Resource::<Given>::new_borrow(socket);
        let input = self.push_child(Input::new(source.clone(), 0), &parent);
        let output = input.and_then(|input| match self.push_child(Output::new(source, Some(0)), &parent) {
            Ok(output) => Ok((input, output)),
            Err(fault) => {
                self.take::<Input>(input)?;
                Err(fault)
            }
        });
        match output {
            Ok((input, output)) => {
                self.get_mut::<Given>(socket)?.output = Some(output);
                Ok((socket, Some((input, output))))
            }
            Err(fault) => {
                self.drop_given(socket)?;
                Err(fault)
            }
        }
    }

    pub(super) fn drop_given(&mut self, number: u32) -> Result<()> {
        self.take::<Given>(number)?;
        self.uncount_descriptor();
        Ok(())
    }

    /// What has to be watched until there is a connection to accept.
    pub(super) fn watch_given(&mut self, number: u32) -> Outcome<Option<Watched>> {
        let given = self.get::<Given>(number)?;
        match &given.socket {
            _ if !given.listens => Ok(None),
            Socket::Host(file) => Ok(Some(Watched::File(file.clone(), Direction::Read))),
            Socket::Served(stream) => Ok(stream.borrow().ready(Direction::Read)?.is_none().then_some(Watched::Stream)),
        }
    }

    pub(super) fn given_start(
        &mut self,
        _: Resource<TcpSocket>,
        network: Resource<Network>,
        _: IpSocketAddress,
    ) -> Answer<(), ErrorCode> {
        self.get::<Network>(network.rep())?;
        Ok(Err(ErrorCode::InvalidState))
    }

    pub(super) fn given_start_listen(&mut self, _: Resource<TcpSocket>) -> Answer<(), ErrorCode> {
        Ok(Err(ErrorCode::InvalidState))
    }

    /// Nothing was started.
    pub(super) fn given_finish<T>(&mut self, _: Resource<TcpSocket>) -> Answer<T, ErrorCode> {
        Ok(Err(ErrorCode::NotInProgress))
    }

    pub(super) fn given_accept(&mut self, this: Resource<TcpSocket>) -> Answer<Accepted, ErrorCode> {
        if !self.given(&this)?.listens {
            return Ok(Err(ErrorCode::InvalidState));
        }
        // A full table must be found out before anything is accepted.
        if let Err(fault) = self.count_descriptor() {
            return network_answer(Err(fault));
        }
        self.uncount_descriptor();
        let accepted = self.given(&this)?.accept();
        network_answer(accepted.and_then(|entry| match self.give(entry)? {
            (socket, Some((input, output))) => {
                Ok((Resource::new_own(socket), Resource::new_own(input), Resource::new_own(output)))
            }
            (socket, None) => {
                self.drop_given(socket)?;
                Err(Errno::Connaborted.into())
            }
        }))
    }

    pub(super) fn given_local_address(&mut self, this: Resource<TcpSocket>) -> Answer<IpSocketAddress, ErrorCode> {
        network_answer(self.given(&this)?.address(false).map(IpSocketAddress::from))
    }

    pub(super) fn given_remote_address(&mut self, this: Resource<TcpSocket>) -> Answer<IpSocketAddress, ErrorCode> {
        match self.given(&this)? {
            given if given.listens => Ok(Err(ErrorCode::InvalidState)),
            given => network_answer(given.address(true).map(IpSocketAddress::from)),
        }
    }

    pub(super) fn given_is_listening(&mut self, this: Resource<TcpSocket>) -> Result<bool> {
        Ok(self.given(&this)?.listens)
    }

    /// One that has no address of the kind counts as one of IPv4.
    pub(super) fn given_family(&mut self, this: Resource<TcpSocket>) -> Result<IpAddressFamily> {
        match self.given(&this)?.address(false) {
            Ok(SocketAddr::V6(_)) => Ok(IpAddressFamily::Ipv6),
            Ok(SocketAddr::V4(_)) | Err(Fault::Errno(_)) => Ok(IpAddressFamily::Ipv4),
            Err(Fault::Trap(error)) => Err(error),
        }
    }

    /// The host has chosen it.
    pub(super) fn given_set_backlog(&mut self, this: Resource<TcpSocket>, to: u64) -> Answer<(), ErrorCode> {
        Ok(Err(match self.given(&this)?.listens {
            _ if to == 0 => ErrorCode::InvalidArgument,
            true => ErrorCode::NotSupported,
            false => ErrorCode::InvalidState,
        }))
    }

    pub(super) fn given_subscribe(&mut self, this: &Resource<TcpSocket>) -> Outcome<Resource<DynPollable>> {
        self.new_pollable(Pollable::Given(this.rep()), Some(this.rep()))
    }

    pub(super) fn given_shutdown(&mut self, this: Resource<TcpSocket>, how: ShutdownType) -> Answer<(), ErrorCode> {
        let how = match how {
            ShutdownType::Receive => Sdflags::RD,
            ShutdownType::Send => Sdflags::WR,
            ShutdownType::Both => Sdflags::RD | Sdflags::WR,
        };
        let given = self.given(&this)?;
        if given.listens {
            return Ok(Err(ErrorCode::InvalidState));
        }
        // What was written before comes before, as with upstream's sockets, which send it in the background.
        if how.contains(Sdflags::WR)
            && let Some(output) = given.output
            && self.get::<Output>(output).is_ok_and(|output| output.goes_to(&given.source()))
        {
            self.finish(output)?;
        }
        network_answer(self.given(&this)?.shutdown(how))
    }
}
