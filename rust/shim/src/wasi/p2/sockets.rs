//! `wasi:sockets`: upstream's, but for what waits.

use super::enter::Wasi;
use super::fault::{Answer, or_trap, socket_answer};
use super::poll::Pollable;
use super::tcp::Given;
use crate::wasi::state::run;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sockets::instance_network::Host as HostInstanceNetwork;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    Host as HostLookup, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Network};
use wasmtime_wasi::p2::bindings::sockets::tcp::{HostTcpSocket, ShutdownType, TcpSocket};
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as HostTcpCreate;
use wasmtime_wasi::p2::bindings::sockets::udp::{
    HostIncomingDatagramStream, HostOutgoingDatagramStream, HostUdpSocket, IncomingDatagram, IncomingDatagramStream,
    OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};
use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host as HostUdpCreate;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};
use wasmtime_wasi::runtime::with_ambient_tokio_runtime;
use wasmtime_wasi::sockets::WasiSocketsCtxView;

/// Passes calls on to upstream: `name(parameters) -> result = kind Trait::method`. A kind is `plain`, `future` for what
/// is asynchronous there, or `whole` for what has no error. With `or this method(parameters)`, that method of ours
/// serves a socket that the host has given.
macro_rules! upstream {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $result:ty =
        $kind:ident $trait:ident::$method:ident $(or $socket:ident $ours:ident($($given:ident),*))?;)*) => {
        impl Wasi<'_> {
            $(pub(super) fn $name(&mut self $(, $arg: $ty)*) -> upstream!(@type $kind $result) {
                $(if self.is::<Given>($socket.rep()) {
                    return self.$ours($($given),*);
                })?
                let mut view = self.sockets()?;
                let result = upstream!(@call $kind $trait::$method(&mut view $(, $arg)*));
                self.checked()?;
                result
            })*
        }
    };
    (@type whole $result:ty) => { Result<$result> };
    (@type $kind:ident $result:ty) => { Answer<$result, ErrorCode> };
    (@call whole $call:expr) => { with_ambient_tokio_runtime(|| $call) };
    (@call plain $call:expr) => { socket_answer(with_ambient_tokio_runtime(|| $call)) };
    (@call future $call:expr) => { socket_answer(run($call)) };
}

/// A connection.
type Connected = (Resource<DynInputStream>, Resource<DynOutputStream>);

/// A connection that somebody else has made.
type Accepted = (Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>);

upstream! {
    instance_network() -> Resource<Network> = whole HostInstanceNetwork::instance_network;
    new_lookup(network: Resource<Network>, name: String) -> Resource<ResolveAddressStream> =
        plain HostLookup::resolve_addresses;
    lookup_next(this: Resource<ResolveAddressStream>) -> Option<IpAddress> =
        plain HostResolveAddressStream::resolve_next_address;

    new_tcp(family: IpAddressFamily) -> Resource<TcpSocket> = plain HostTcpCreate::create_tcp_socket;
    tcp_start_bind(this: Resource<TcpSocket>, network: Resource<Network>, at: IpSocketAddress) -> () =
        future HostTcpSocket::start_bind
        or this given_start(this, network, at);
    tcp_finish_bind(this: Resource<TcpSocket>) -> () = plain HostTcpSocket::finish_bind
        or this given_finish(this);
    tcp_start_connect(this: Resource<TcpSocket>, network: Resource<Network>, to: IpSocketAddress) -> () =
        plain HostTcpSocket::start_connect
        or this given_start(this, network, to);
    tcp_finish_connect(this: Resource<TcpSocket>) -> Connected = plain HostTcpSocket::finish_connect
        or this given_finish(this);
    tcp_start_listen(this: Resource<TcpSocket>) -> () = future HostTcpSocket::start_listen
        or this given_start_listen(this);
    tcp_finish_listen(this: Resource<TcpSocket>) -> () = plain HostTcpSocket::finish_listen
        or this given_finish(this);
    new_accepted(this: Resource<TcpSocket>) -> Accepted = plain HostTcpSocket::accept;
    tcp_local_address(this: Resource<TcpSocket>) -> IpSocketAddress = plain HostTcpSocket::local_address
        or this given_local_address(this);
    tcp_remote_address(this: Resource<TcpSocket>) -> IpSocketAddress = plain HostTcpSocket::remote_address
        or this given_remote_address(this);
    tcp_is_listening(this: Resource<TcpSocket>) -> bool = whole HostTcpSocket::is_listening
        or this given_is_listening(this);
    tcp_address_family(this: Resource<TcpSocket>) -> IpAddressFamily = whole HostTcpSocket::address_family
        or this given_family(this);
    tcp_set_listen_backlog_size(this: Resource<TcpSocket>, to: u64) -> () = plain HostTcpSocket::set_listen_backlog_size
        or this given_set_backlog(this, to);
    tcp_keep_alive_enabled(this: Resource<TcpSocket>) -> bool = plain HostTcpSocket::keep_alive_enabled
        or this given_keep_alive(this);
    tcp_set_keep_alive_enabled(this: Resource<TcpSocket>, to: bool) -> () = plain HostTcpSocket::set_keep_alive_enabled
        or this given_set_keep_alive(this, to);
    tcp_keep_alive_idle_time(this: Resource<TcpSocket>) -> u64 = plain HostTcpSocket::keep_alive_idle_time
        or this given_idle_time(this);
    tcp_set_keep_alive_idle_time(this: Resource<TcpSocket>, to: u64) -> () =
        plain HostTcpSocket::set_keep_alive_idle_time
        or this given_set_idle_time(this, to);
    tcp_keep_alive_interval(this: Resource<TcpSocket>) -> u64 = plain HostTcpSocket::keep_alive_interval
        or this given_interval(this);
    tcp_set_keep_alive_interval(this: Resource<TcpSocket>, to: u64) -> () = plain HostTcpSocket::set_keep_alive_interval
        or this given_set_interval(this, to);
    tcp_keep_alive_count(this: Resource<TcpSocket>) -> u32 = plain HostTcpSocket::keep_alive_count
        or this given_count(this);
    tcp_set_keep_alive_count(this: Resource<TcpSocket>, to: u32) -> () = plain HostTcpSocket::set_keep_alive_count
        or this given_set_count(this, to);
    tcp_hop_limit(this: Resource<TcpSocket>) -> u8 = plain HostTcpSocket::hop_limit
        or this given_hop_limit(this);
    tcp_set_hop_limit(this: Resource<TcpSocket>, to: u8) -> () = plain HostTcpSocket::set_hop_limit
        or this given_set_hop_limit(this, to);
    tcp_receive_buffer_size(this: Resource<TcpSocket>) -> u64 = plain HostTcpSocket::receive_buffer_size
        or this given_receive_buffer(this);
    tcp_set_receive_buffer_size(this: Resource<TcpSocket>, to: u64) -> () = plain HostTcpSocket::set_receive_buffer_size
        or this given_set_receive_buffer(this, to);
    tcp_send_buffer_size(this: Resource<TcpSocket>) -> u64 = plain HostTcpSocket::send_buffer_size
        or this given_send_buffer(this);
    tcp_set_send_buffer_size(this: Resource<TcpSocket>, to: u64) -> () = plain HostTcpSocket::set_send_buffer_size
        or this given_set_send_buffer(this, to);
    tcp_shutdown(this: Resource<TcpSocket>, how: ShutdownType) -> () = plain HostTcpSocket::shutdown
        or this given_shutdown(this, how);

    new_udp(family: IpAddressFamily) -> Resource<UdpSocket> = future HostUdpCreate::create_udp_socket;
    udp_start_bind(this: Resource<UdpSocket>, network: Resource<Network>, at: IpSocketAddress) -> () =
        future HostUdpSocket::start_bind;
    udp_finish_bind(this: Resource<UdpSocket>) -> () = plain HostUdpSocket::finish_bind;
    udp_stream(this: Resource<UdpSocket>, peer: Option<IpSocketAddress>) ->
        (Resource<IncomingDatagramStream>, Resource<OutgoingDatagramStream>) = future HostUdpSocket::stream;
    udp_local_address(this: Resource<UdpSocket>) -> IpSocketAddress = plain HostUdpSocket::local_address;
    udp_remote_address(this: Resource<UdpSocket>) -> IpSocketAddress = plain HostUdpSocket::remote_address;
    udp_address_family(this: Resource<UdpSocket>) -> IpAddressFamily = whole HostUdpSocket::address_family;
    udp_unicast_hop_limit(this: Resource<UdpSocket>) -> u8 = plain HostUdpSocket::unicast_hop_limit;
    udp_set_unicast_hop_limit(this: Resource<UdpSocket>, to: u8) -> () = plain HostUdpSocket::set_unicast_hop_limit;
    udp_receive_buffer_size(this: Resource<UdpSocket>) -> u64 = plain HostUdpSocket::receive_buffer_size;
    udp_set_receive_buffer_size(this: Resource<UdpSocket>, to: u64) -> () = plain HostUdpSocket::set_receive_buffer_size;
    udp_send_buffer_size(this: Resource<UdpSocket>) -> u64 = plain HostUdpSocket::send_buffer_size;
    udp_set_send_buffer_size(this: Resource<UdpSocket>, to: u64) -> () = plain HostUdpSocket::set_send_buffer_size;
    receive(this: Resource<IncomingDatagramStream>, most: u64) -> Vec<IncomingDatagram> =
        plain HostIncomingDatagramStream::receive;
    check_send(this: Resource<OutgoingDatagramStream>) -> u64 = plain HostOutgoingDatagramStream::check_send;
    send(this: Resource<OutgoingDatagramStream>, datagrams: Vec<OutgoingDatagram>) -> u64 =
        plain HostOutgoingDatagramStream::send;
}

impl Wasi<'_> {
    /// What upstream's functions work on: the switches of the store's own context, and our table.
    fn sockets(&mut self) -> Result<WasiSocketsCtxView<'_>> {
        Ok(WasiSocketsCtxView { ctx: self.state.ctx()?.sockets(), table: &mut self.second.table })
    }

    /// What the binding's check of an address has failed with, of which upstream's functions know nothing.
    fn checked(&self) -> Result<()> {
        match self.state.system.as_ref().and_then(|system| system.take_failure()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Makes what holds something of the system, which counts as a descriptor, unless there are too many.
    fn counted<T>(
        &mut self,
        too_many: ErrorCode,
        make: impl FnOnce(&mut Self) -> Answer<T, ErrorCode>,
    ) -> Answer<T, ErrorCode> {
        if self.count_descriptor().is_err() {
            return Ok(Err(too_many));
        }
        let made = make(self);
        if !matches!(made, Ok(Ok(_))) {
            self.uncount_descriptor();
        }
        made
    }

    pub(super) fn lookup(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Answer<Resource<ResolveAddressStream>, ErrorCode> {
        self.counted(ErrorCode::TemporaryResolverFailure, |wasi| wasi.new_lookup(network, name))
    }

    pub(super) fn tcp_create(&mut self, family: IpAddressFamily) -> Answer<Resource<TcpSocket>, ErrorCode> {
        self.counted(ErrorCode::NewSocketLimit, |wasi| wasi.new_tcp(family))
    }

    pub(super) fn udp_create(&mut self, family: IpAddressFamily) -> Answer<Resource<UdpSocket>, ErrorCode> {
        self.counted(ErrorCode::NewSocketLimit, |wasi| wasi.new_udp(family))
    }

    /// Who may not be accepted waits on.
    pub(super) fn tcp_accept(&mut self, this: Resource<TcpSocket>) -> Answer<Accepted, ErrorCode> {
        if self.is::<Given>(this.rep()) {
            return self.given_accept(this);
        }
        self.counted(ErrorCode::NewSocketLimit, |wasi| wasi.new_accepted(this))
    }

    pub(super) fn lookup_subscribe(&mut self, this: Resource<ResolveAddressStream>) -> Result<Resource<DynPollable>> {
        self.subscribe(&this)
    }

    pub(super) fn tcp_subscribe(&mut self, this: Resource<TcpSocket>) -> Result<Resource<DynPollable>> {
        if self.is::<Given>(this.rep()) {
            return or_trap(self.given_subscribe(&this));
        }
        self.subscribe(&this)
    }

    pub(super) fn udp_subscribe(&mut self, this: Resource<UdpSocket>) -> Result<Resource<DynPollable>> {
        self.subscribe(&this)
    }

    pub(super) fn incoming_subscribe(
        &mut self,
        this: Resource<IncomingDatagramStream>,
    ) -> Result<Resource<DynPollable>> {
        self.subscribe(&this)
    }

    pub(super) fn outgoing_subscribe(
        &mut self,
        this: Resource<OutgoingDatagramStream>,
    ) -> Result<Resource<DynPollable>> {
        self.subscribe(&this)
    }

    pub(super) fn drop_network(&mut self, number: u32) -> Result<()> {
        self.take::<Network>(number).map(drop)
    }

    pub(super) fn drop_lookup(&mut self, number: u32) -> Result<()> {
        self.take::<ResolveAddressStream>(number)?;
        self.uncount_descriptor();
        Ok(())
    }

    pub(super) fn drop_tcp(&mut self, number: u32) -> Result<()> {
        if self.is::<Given>(number) {
            return self.drop_given(number);
        }
        let socket = self.take::<TcpSocket>(number)?;
        self.uncount_descriptor();
        with_ambient_tokio_runtime(|| drop(socket));
        Ok(())
    }

    pub(super) fn drop_udp(&mut self, number: u32) -> Result<()> {
        let socket = self.take::<UdpSocket>(number)?;
        self.uncount_descriptor();
        with_ambient_tokio_runtime(|| drop(socket));
        Ok(())
    }

    pub(super) fn drop_incoming(&mut self, number: u32) -> Result<()> {
        self.take::<IncomingDatagramStream>(number).map(drop)
    }

    /// The last datagram is on its way before the stream is gone.
    pub(super) fn drop_outgoing(&mut self, number: u32) -> Result<()> {
        or_trap(self.wait(&[Pollable::upstream::<OutgoingDatagramStream>(number)], true))?;
        self.take::<OutgoingDatagramStream>(number).map(drop)
    }
}
