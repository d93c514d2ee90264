//! `tcp-socket` of `wasi:sockets`: what a component makes itself, and connections and listeners of the host.
//!
//! Both are sockets of the system that are used on the calling thread. Upstream's cannot be made of what there is
//! already, and wait through the thread of a runtime. Whoever has a socket of the host was given it: no switch of the
//! network and no check of an address is about it.

use super::enter::Wasi;
use super::fault::{Answer, network_code, or_trap};
use super::nodes::Shared;
use super::poll::{Pollable, Watched, is_ready};
use super::streams::{Input, Output, Source};
use crate::wake::check_stop;
use crate::wasi::descriptors::Entry;
use crate::wasi::fault::{Errno, Fault, Outcome};
use crate::wasi::host::{Direction, HostFile, TcpOption};
use crate::wasi::stream::Stream;
use std::net::{IpAddr, SocketAddr};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p1::types::Sdflags;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Network};
use wasmtime_wasi::p2::bindings::sockets::tcp::{ShutdownType, TcpSocket};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};
use wasmtime_wasi::sockets::SocketAddrUse;

/// A socket.
pub(super) struct Tcp {
    socket: Socket,
    step: Step,
    /// What was started, and is not finished.
    started: Option<Started>,
    ipv6: bool,
    /// Whether the component alone has it.
    own: bool,
    /// How many connections may wait to be accepted.
    backlog: i32,
    /// What a listener's connections have from it, which not every system gives them.
    set: Vec<(TcpOption, u64)>,
    /// The numbers of the streams of a connection that are there.
    input: Option<u32>,
    output: Option<u32>,
}

#[derive(Clone)]
enum Socket {
    Host(Shared<HostFile>),
    /// One that the binding serves.
    Served(Shared<Stream>),
}

/// How far a socket is.
#[derive(Clone, Copy)]
enum Step {
    Fresh,
    Connecting,
    Connected,
    Listening,
    Failed(ErrorCode),
}

/// What has a function that starts and one that finishes it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Started {
    Bind,
    Connect,
    Listen,
}

/// The numbers of a socket and its streams in the table. A listener has none.
pub(super) type Numbers = (u32, Option<(u32, u32)>);

/// The streams of a connection.
type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);

/// A connection that was accepted.
type Accepted = (Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>);

/// As many connections may wait as the standard library of Rust allows.
const BACKLOG: i32 = 128;

impl Tcp {
    /// Whether a descriptor can become a socket.
    pub(super) fn can_be(entry: &Entry) -> bool {
        match entry {
            Entry::Host(file) => file.is_stream_socket(),
            Entry::Stream(stream) => stream.is_socket(),
            _ => false,
        }
    }

    fn new(socket: Socket, step: Step, ipv6: bool, own: bool) -> Tcp {
        Tcp { socket, step, started: None, ipv6, own, backlog: BACKLOG, set: Vec::new(), input: None, output: None }
    }

    /// A connection or a listener. What has no address of the Internet's counts as one of IPv4.
    fn given(entry: Entry, own: bool) -> Outcome<Tcp> {
        let (socket, listens) = match entry {
            Entry::Host(mut file) if file.is_stream_socket() => {
                file.set_nonblock(true);
                let listens = file.listens();
                (Socket::Host(Shared::new(file)), listens)
            }
            Entry::Stream(mut stream) if stream.is_socket() => {
                stream.set_nonblock(true);
                let listens = stream.listens();
                (Socket::Served(Shared::new(stream)), listens)
            }
            _ => return Err(Errno::Notsock.into()),
        };
        let ipv6 = match socket.address(false) {
            Ok(address) => address.is_ipv6(),
            Err(Fault::Errno(_)) => false,
            Err(trap) => return Err(trap),
        };
        let step = if listens { Step::Listening } else { Step::Connected };
        Ok(Tcp::new(socket, step, ipv6, own))
    }

    /// The socket of one that is neither a connection nor a listener, nor about to become one.
    fn fresh(&self) -> Tried<&Shared<HostFile>> {
        match (&self.socket, self.step) {
            _ if self.started.is_some() => Err(ErrorCode::ConcurrencyConflict.into()),
            (Socket::Host(file), Step::Fresh) => Ok(file),
            _ => Err(ErrorCode::InvalidState.into()),
        }
    }

    /// The socket of one that is not on its way to become another, or nowhere.
    fn settled(&self) -> Tried<&Socket> {
        match self.step {
            Step::Fresh | Step::Connected | Step::Listening => Ok(&self.socket),
            Step::Connecting => Err(ErrorCode::InvalidState.into()),
            Step::Failed(code) => Err(code.into()),
        }
    }

    /// Says that what was started is finished; it has to be this.
    fn finish(&mut self, what: Started) -> Tried<()> {
        if self.started != Some(what) {
            return Err(ErrorCode::NotInProgress.into());
        }
        self.started = None;
        Ok(())
    }

    /// Where the streams come from, and go to.
    fn source(&self) -> Source {
        match &self.socket {
            Socket::Host(file) => Source::File(file.clone()),
            Socket::Served(stream) => Source::Stream(stream.clone()),
        }
    }
}

impl Socket {
    /// The address of this side, or of the other.
    fn address(&self, remote: bool) -> Outcome<SocketAddr> {
        match self {
            Socket::Host(file) => Ok(file.borrow().address(remote)?),
            Socket::Served(stream) => stream.borrow().address(remote),
        }
    }

    /// Accepts a connection, if there is one.
    fn accept(&self) -> Outcome<Entry> {
        match self {
            Socket::Host(file) => Ok(Entry::Host(file.borrow().accept(true, None)?)),
            Socket::Served(stream) => stream.borrow().accept(true),
        }
    }

    fn shutdown(&self, how: Sdflags) -> Outcome {
        match self {
            Socket::Host(file) => Ok(file.borrow().shutdown(how)?),
            Socket::Served(stream) => stream.borrow().shutdown(how),
        }
    }

    fn option(&self, option: TcpOption, ipv6: bool) -> Outcome<u64> {
        match self {
            Socket::Host(file) => Ok(file.borrow().tcp_option(option, ipv6)?),
            Socket::Served(_) => Err(Errno::Notsup.into()),
        }
    }

    fn set_option(&self, option: TcpOption, value: u64, ipv6: bool) -> Outcome {
        match self {
            Socket::Host(file) => Ok(file.borrow().set_tcp_option(option, value, ipv6)?),
            Socket::Served(_) => Err(Errno::Notsup.into()),
        }
    }
}

/// Whether a socket can have an address, on either side. What is deprecated or of the other family it cannot.
fn fits(ip: IpAddr, ipv6: bool) -> bool {
    match ip {
        IpAddr::V4(ip) => !ipv6 && !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => {
            let compatible =
                matches!(ip.segments(), [0, 0, 0, 0, 0, 0, _, _]) && !ip.is_unspecified() && !ip.is_loopback();
            ipv6 && !ip.is_multicast() && !compatible && ip.to_ipv4_mapped().is_none()
        }
    }
}

/// The address that a socket has before it is bound.
fn unbound(ipv6: bool) -> SocketAddr {
    let ip = if ipv6 { IpAddr::from([0_u16; 8]) } else { IpAddr::from([0_u8; 4]) };
    SocketAddr::new(ip, 0)
}

/// Whether a socket is bound, which it may be without having been asked to.
fn is_bound(file: &HostFile) -> bool {
    file.address(false).is_ok_and(|at| at.port() != 0)
}

/// Why a function of `wasi:sockets` fails.
enum Why {
    Code(ErrorCode),
    Fault(Fault),
}

impl From<ErrorCode> for Why {
    fn from(code: ErrorCode) -> Why {
        Why::Code(code)
    }
}

impl From<Errno> for Why {
    fn from(errno: Errno) -> Why {
        Why::Fault(errno.into())
    }
}

impl From<Fault> for Why {
    fn from(fault: Fault) -> Why {
        Why::Fault(fault)
    }
}

impl From<wasmtime::Error> for Why {
    fn from(trap: wasmtime::Error) -> Why {
        Why::Fault(Fault::Trap(trap))
    }
}

/// What becomes of a function of `wasi:sockets`.
type Tried<T> = std::result::Result<T, Why>;

/// The answer of a function of `wasi:sockets`.
fn tried<T>(function: impl FnOnce() -> Tried<T>) -> Answer<T, ErrorCode> {
    match function() {
        Ok(value) => Ok(Ok(value)),
        Err(Why::Code(code)) => Ok(Err(code)),
        Err(Why::Fault(Fault::Errno(errno))) => Ok(Err(network_code(errno))),
        Err(Why::Fault(Fault::Trap(error))) => Err(error),
    }
}

/// The options of a socket: a function that asks and one that sets.
macro_rules! options {
    ($($get:ident $set:ident: $ty:ty = $option:ident, $from:expr;)*) => {
        impl Wasi<'_> {$(
            pub(super) fn $get(&mut self, this: Resource<TcpSocket>) -> Answer<$ty, ErrorCode> {
                tried(|| {
                    let tcp = self.tcp(&this)?;
                    Ok(tcp.settled()?.option(TcpOption::$option, tcp.ipv6).map($from)?)
                })
            }

            pub(super) fn $set(&mut self, this: Resource<TcpSocket>, to: $ty) -> Answer<(), ErrorCode> {
                tried(|| self.set_option(&this, TcpOption::$option, to.into()))
            }
        )*}
    };
}

options! {
    tcp_keep_alive_enabled tcp_set_keep_alive_enabled: bool = KeepAlive, |value| value != 0;
    tcp_keep_alive_idle_time tcp_set_keep_alive_idle_time: u64 = KeepAliveIdle, |value| value;
    tcp_keep_alive_interval tcp_set_keep_alive_interval: u64 = KeepAliveInterval, |value| value;
    tcp_keep_alive_count tcp_set_keep_alive_count: u32 = KeepAliveCount, |value| u32::try_from(value).unwrap_or(u32::MAX);
    tcp_hop_limit tcp_set_hop_limit: u8 = HopLimit, |value| u8::try_from(value).unwrap_or(u8::MAX);
    tcp_receive_buffer_size tcp_set_receive_buffer_size: u64 = ReceiveBuffer, |value| value;
    tcp_send_buffer_size tcp_set_send_buffer_size: u64 = SendBuffer, |value| value;
}

impl Wasi<'_> {
    fn tcp(&self, this: &Resource<TcpSocket>) -> Result<&Tcp> {
        self.get(this.rep())
    }

    fn tcp_mut(&mut self, this: &Resource<TcpSocket>) -> Result<&mut Tcp> {
        self.get_mut(this.rep())
    }

    fn set_option(&mut self, this: &Resource<TcpSocket>, option: TcpOption, value: u64) -> Tried<()> {
        let tcp = self.tcp_mut(this)?;
        if value == 0 && option != TcpOption::KeepAlive {
            return Err(ErrorCode::InvalidArgument.into());
        }
        tcp.settled()?.set_option(option, value, tcp.ipv6)?;
        // There are as many as there are options.
        tcp.set.retain(|(other, _)| *other != option);
        tcp.set.push((option, value));
        Ok(())
    }

    /// Checks whether a socket may use an address.
    fn may_use(&self, addr: SocketAddr, reason: SocketAddrUse) -> Tried<bool> {
        let allowed = self.state.network.allows(addr, reason);
        self.checked()?;
        Ok(allowed)
    }

    /// Refuses what [`Wasi::may_use`] does not allow.
    fn check_use(&self, addr: SocketAddr, reason: SocketAddrUse) -> Tried<()> {
        match self.may_use(addr, reason)? {
            true => Ok(()),
            false => Err(ErrorCode::AccessDenied.into()),
        }
    }

    /// Puts a socket into the table.
    fn put(&mut self, tcp: Tcp) -> Outcome<u32> {
        self.count_descriptor()?;
        self.push(tcp).inspect_err(|_| self.uncount_descriptor())
    }

    /// Makes the two streams of a connection, which have to be gone before it is.
    fn put_streams(&mut self, number: u32) -> Outcome<(u32, u32)> {
        let source = self.get::<Tcp>(number)?.source();
        let parent = Resource::<Tcp>::new_borrow(number);
        let input = self.push_child(Input::of_connection(source.clone(), number), &parent)?;
        let output = match self.push_child(Output::of_connection(source, number), &parent) {
            Ok(output) => output,
            Err(fault) => {
                self.take::<Input>(input)?;
                return Err(fault);
            }
        };
        let tcp = self.get_mut::<Tcp>(number)?;
        (tcp.input, tcp.output) = (Some(input), Some(output));
        Ok((input, output))
    }

    /// Makes a socket of a descriptor, and the streams of a connection.
    pub(super) fn give(&mut self, entry: Entry) -> Outcome<Numbers> {
        self.put_all(Tcp::given(entry, false)?)
    }

    fn put_all(&mut self, tcp: Tcp) -> Outcome<Numbers> {
        let listens = matches!(tcp.step, Step::Listening);
        let socket = self.put(tcp)?;
        if listens {
            return Ok((socket, None));
        }
        match self.put_streams(socket) {
            Ok(streams) => Ok((socket, Some(streams))),
            Err(fault) => {
                self.drop_tcp(socket)?;
                Err(fault)
            }
        }
    }

    pub(super) fn tcp_create(&mut self, family: IpAddressFamily) -> Answer<Resource<TcpSocket>, ErrorCode> {
        tried(|| {
            if !self.state.network.tcp {
                return Err(ErrorCode::AccessDenied.into());
            }
            // A full table is found out before anything is made.
            self.count_descriptor()?;
            self.uncount_descriptor();
            let ipv6 = matches!(family, IpAddressFamily::Ipv6);
            let socket = Socket::Host(Shared::new(HostFile::tcp(ipv6)?));
            Ok(Resource::new_own(self.put(Tcp::new(socket, Step::Fresh, ipv6, true))?))
        })
    }

    pub(super) fn drop_tcp(&mut self, number: u32) -> Result<()> {
        self.take::<Tcp>(number)?;
        self.uncount_descriptor();
        Ok(())
    }

    pub(super) fn tcp_start_bind(
        &mut self,
        this: Resource<TcpSocket>,
        network: Resource<Network>,
        at: IpSocketAddress,
    ) -> Answer<(), ErrorCode> {
        tried(|| {
            self.get::<Network>(network.rep())?;
            let (tcp, at) = (self.tcp(&this)?, SocketAddr::from(at));
            let file = tcp.fresh()?.clone();
            if is_bound(&file.borrow()) {
                return Err(ErrorCode::InvalidState.into());
            }
            if !fits(at.ip(), tcp.ipv6) {
                return Err(ErrorCode::InvalidArgument.into());
            }
            self.check_use(at, SocketAddrUse::TcpBind)?;
            file.borrow().bind(at).map_err(|errno| match errno {
                Errno::Afnosupport => Errno::Inval,
                // There is no port left.
                Errno::Nobufs if cfg!(windows) => Errno::Addrinuse,
                errno => errno,
            })?;
            self.tcp_mut(&this)?.started = Some(Started::Bind);
            Ok(())
        })
    }

    pub(super) fn tcp_finish_bind(&mut self, this: Resource<TcpSocket>) -> Answer<(), ErrorCode> {
        tried(|| self.tcp_mut(&this)?.finish(Started::Bind))
    }

    /// What comes of it, `finish-connect` tells.
    pub(super) fn tcp_start_connect(
        &mut self,
        this: Resource<TcpSocket>,
        network: Resource<Network>,
        to: IpSocketAddress,
    ) -> Answer<(), ErrorCode> {
        tried(|| {
            self.get::<Network>(network.rep())?;
            let (tcp, to) = (self.tcp(&this)?, SocketAddr::from(to));
            let (file, ipv6) = (tcp.fresh()?.clone(), tcp.ipv6);
            if !fits(to.ip(), ipv6) || to.ip().is_unspecified() || to.port() == 0 {
                return Err(ErrorCode::InvalidArgument.into());
            }
            let bound = is_bound(&file.borrow());
            let allowed = (bound || self.may_use(unbound(ipv6), SocketAddrUse::TcpBind)?)
                && self.may_use(to, SocketAddrUse::TcpConnect)?;
            let step = match allowed.then(|| file.borrow().connect(to)) {
                None => Step::Failed(ErrorCode::AccessDenied),
                Some(Ok(())) => Step::Connecting,
                Some(Err(errno)) => Step::Failed(network_code(errno)),
            };
            let tcp = self.tcp_mut(&this)?;
            (tcp.step, tcp.started) = (step, Some(Started::Connect));
            Ok(())
        })
    }

    pub(super) fn tcp_finish_connect(&mut self, this: Resource<TcpSocket>) -> Answer<Streams, ErrorCode> {
        tried(|| {
            let tcp = self.tcp(&this)?;
            if tcp.started == Some(Started::Connect)
                && let (Step::Connecting, Socket::Host(file)) = (tcp.step, &tcp.socket)
            {
                let file = file.clone();
                if !is_ready(self.state, Watched::File(file.clone(), Direction::Write))? {
                    return Err(ErrorCode::WouldBlock.into());
                }
                self.tcp_mut(&this)?.step = match file.borrow().connected() {
                    Ok(()) => Step::Connected,
                    Err(errno) => Step::Failed(network_code(errno)),
                };
            }
            let tcp = self.tcp_mut(&this)?;
            tcp.finish(Started::Connect)?;
            tcp.settled()?;
            let (input, output) = self.put_streams(this.rep())?;
            Ok((Resource::new_own(input), Resource::new_own(output)))
        })
    }

    pub(super) fn tcp_start_listen(&mut self, this: Resource<TcpSocket>) -> Answer<(), ErrorCode> {
        tried(|| {
            let tcp = self.tcp(&this)?;
            let (file, backlog) = (tcp.fresh()?.clone(), tcp.backlog);
            if !is_bound(&file.borrow()) {
                return Err(ErrorCode::InvalidState.into());
            }
            let at = file.borrow().address(false)?;
            self.check_use(at, SocketAddrUse::TcpListen)?;
            file.borrow_mut().listen(backlog)?;
            let tcp = self.tcp_mut(&this)?;
            (tcp.step, tcp.started) = (Step::Listening, Some(Started::Listen));
            Ok(())
        })
    }

    pub(super) fn tcp_finish_listen(&mut self, this: Resource<TcpSocket>) -> Answer<(), ErrorCode> {
        tried(|| self.tcp_mut(&this)?.finish(Started::Listen))
    }

    pub(super) fn tcp_accept(&mut self, this: Resource<TcpSocket>) -> Answer<Accepted, ErrorCode> {
        tried(|| {
            let tcp = self.tcp(&this)?;
            let Step::Listening = tcp.step else { return Err(ErrorCode::InvalidState.into()) };
            let (socket, own, set) = (tcp.socket.clone(), tcp.own, tcp.set.clone());
            // A full table must be found out before anything is accepted.
            self.count_descriptor()?;
            self.uncount_descriptor();
            let accepted = self.accept_allowed(&socket, own)?;
            let accepted = Tcp::given(accepted, own)?;
            if cfg!(target_vendor = "apple") {
                for (option, value) in set {
                    // It is a connection all the same.
                    _ = accepted.socket.set_option(option, value, accepted.ipv6);
                }
            }
            match self.put_all(accepted)? {
                (socket, Some((input, output))) => {
                    Ok((Resource::new_own(socket), Resource::new_own(input), Resource::new_own(output)))
                }
                (socket, None) => {
                    self.drop_tcp(socket)?;
                    Err(Errno::Connaborted.into())
                }
            }
        })
    }

    /// Accepts a connection, at a component's own listener one of somebody who may connect; others are refused.
    fn accept_allowed(&mut self, socket: &Socket, own: bool) -> Tried<Entry> {
        loop {
            let accepted = match socket.accept() {
                // Linux tells here of a connection what has happened to it.
                Err(Fault::Errno(errno)) if own && is_of_connection(errno) => {
                    return Err(ErrorCode::ConnectionAborted.into());
                }
                accepted => accepted?,
            };
            let Entry::Host(file) = &accepted else { return Ok(accepted) };
            if !own {
                return Ok(accepted);
            }
            // Who has no address any more has gone.
            if let Ok(from) = file.address(true) {
                if self.may_use(from, SocketAddrUse::TcpAccept)? {
                    return Ok(accepted);
                }
                file.refuse();
            }
            check_stop::<Fault>(self.state.waker())?;
        }
    }

    pub(super) fn tcp_local_address(&mut self, this: Resource<TcpSocket>) -> Answer<IpSocketAddress, ErrorCode> {
        tried(|| {
            let tcp = self.tcp(&this)?;
            let socket = tcp.settled()?;
            match (socket.address(false)?, tcp.step) {
                (at, Step::Fresh) if at.port() == 0 => Err(ErrorCode::InvalidState.into()),
                (at, _) => Ok(at.into()),
            }
        })
    }

    pub(super) fn tcp_remote_address(&mut self, this: Resource<TcpSocket>) -> Answer<IpSocketAddress, ErrorCode> {
        tried(|| {
            let tcp = self.tcp(&this)?;
            match (tcp.settled()?, tcp.step) {
                (socket, Step::Connected) => Ok(socket.address(true)?.into()),
                _ => Err(ErrorCode::InvalidState.into()),
            }
        })
    }

    pub(super) fn tcp_is_listening(&mut self, this: Resource<TcpSocket>) -> Result<bool> {
        Ok(matches!(self.tcp(&this)?.step, Step::Listening))
    }

    pub(super) fn tcp_address_family(&mut self, this: Resource<TcpSocket>) -> Result<IpAddressFamily> {
        Ok(if self.tcp(&this)?.ipv6 { IpAddressFamily::Ipv6 } else { IpAddressFamily::Ipv4 })
    }

    /// That of a listener of the host, the host has chosen.
    pub(super) fn tcp_set_listen_backlog_size(&mut self, this: Resource<TcpSocket>, to: u64) -> Answer<(), ErrorCode> {
        tried(|| {
            let tcp = self.tcp_mut(&this)?;
            if to == 0 {
                return Err(ErrorCode::InvalidArgument.into());
            }
            let to = i32::try_from(to).unwrap_or(i32::MAX);
            match (tcp.settled()?, tcp.step) {
                (_, Step::Fresh) => {}
                (Socket::Host(file), Step::Listening) if tcp.own => {
                    file.borrow_mut().listen(to).map_err(|_| ErrorCode::NotSupported)?;
                }
                (_, Step::Listening) => return Err(ErrorCode::NotSupported.into()),
                _ => return Err(ErrorCode::InvalidState.into()),
            }
            tcp.backlog = to;
            Ok(())
        })
    }

    pub(super) fn tcp_subscribe(&mut self, this: Resource<TcpSocket>) -> Result<Resource<DynPollable>> {
        or_trap(self.new_pollable(Pollable::Tcp(this.rep()), Some(this.rep())))
    }

    /// What has to be watched until a socket is connected, or there is a connection to accept. All else is ready.
    pub(super) fn watch_tcp(&mut self, number: u32) -> Outcome<Option<Watched>> {
        let tcp = self.get::<Tcp>(number)?;
        Ok(match (&tcp.socket, tcp.step, tcp.started) {
            (Socket::Host(file), Step::Connecting, _) => Some(Watched::File(file.clone(), Direction::Write)),
            (Socket::Host(file), Step::Listening, None) => Some(Watched::File(file.clone(), Direction::Read)),
            (Socket::Served(stream), Step::Listening, None) => {
                stream.borrow().ready(Direction::Read)?.is_none().then_some(Watched::Stream)
            }
            _ => None,
        })
    }

    /// The streams end with what they are of. What is still to be written is written first.
    pub(super) fn tcp_shutdown(&mut self, this: Resource<TcpSocket>, how: ShutdownType) -> Answer<(), ErrorCode> {
        tried(|| {
            let tcp = self.tcp(&this)?;
            let (socket, Step::Connected) = (tcp.settled()?.clone(), tcp.step) else {
                return Err(ErrorCode::InvalidState.into());
            };
            let (input, output) = (tcp.input, tcp.output);
            let (receives, sends) = match how {
                ShutdownType::Receive => (Sdflags::RD, Sdflags::empty()),
                ShutdownType::Send => (Sdflags::empty(), Sdflags::WR),
                ShutdownType::Both => (Sdflags::RD, Sdflags::WR),
            };
            if !sends.is_empty()
                && let Some(output) = output
            {
                self.finish(output)?;
                self.get_mut::<Output>(output)?.close();
            }
            if !receives.is_empty()
                && let Some(input) = input
            {
                self.get_mut::<Input>(input)?.end();
            }
            match socket.shutdown(receives | sends) {
                // The other side was faster.
                Err(Fault::Errno(Errno::Notconn)) => Ok(()),
                done => Ok(done?),
            }
        })
    }

    /// Says that a stream of a connection is gone. With it its direction ends, unless somebody else has the connection,
    /// too.
    pub(super) fn left(&mut self, number: u32, direction: Direction) -> Result<()> {
        if !self.let_go(number, direction)? {
            return Ok(());
        }
        match self.get::<Tcp>(number)?.socket.shutdown(ended_with(direction)) {
            Err(Fault::Trap(error)) => Err(error),
            // Nobody is there to hear of an error.
            _ => Ok(()),
        }
    }

    /// Says that a stream of a connection is no longer the component's. Whether its direction ends with it.
    pub(super) fn let_go(&mut self, number: u32, direction: Direction) -> Result<bool> {
        let tcp = self.get_mut::<Tcp>(number)?;
        match direction {
            Direction::Read => tcp.input = None,
            Direction::Write => tcp.output = None,
        }
        Ok(tcp.own)
    }
}

/// What ends with a stream.
pub(super) fn ended_with(direction: Direction) -> Sdflags {
    match direction {
        Direction::Read => Sdflags::RD,
        Direction::Write => Sdflags::WR,
    }
}

/// Whether an error of accepting is one of the connection.
fn is_of_connection(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::Connreset
            | Errno::Netreset
            | Errno::Hostunreach
            | Errno::Netdown
            | Errno::Netunreach
            | Errno::Noprotoopt
            | Errno::Notsup
    )
}
