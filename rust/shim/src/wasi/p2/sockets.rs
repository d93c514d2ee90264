//! `wasi:sockets` without TCP: upstream's, but for what waits.

use super::enter::Wasi;
use super::fault::{Answer, or_trap, socket_answer};
use super::poll::Pollable;
use crate::wasi::state::run;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::sockets::instance_network::Host as HostInstanceNetwork;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    Host as HostLookup, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Network};
use wasmtime_wasi::p2::bindings::sockets::udp::{
    HostIncomingDatagramStream, HostOutgoingDatagramStream, HostUdpSocket, IncomingDatagram, IncomingDatagramStream,
    OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};
use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host as HostUdpCreate;
use wasmtime_wasi::runtime::with_ambient_tokio_runtime;
use wasmtime_wasi::sockets::WasiSocketsCtxView;

/// Passes calls on to upstream: `name(parameters) -> result = kind Trait::method`. A kind is `plain`, `future` for what
/// is asynchronous there, or `whole` for what has no error.
macro_rules! upstream {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $result:ty =
        $kind:ident $trait:ident::$method:ident;)*) => {
        impl Wasi<'_> {
            $(pub(super) fn $name(&mut self $(, $arg: $ty)*) -> upstream!(@type $kind $result) {
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

upstream! {
    instance_network() -> Resource<Network> = whole HostInstanceNetwork::instance_network;
    new_lookup(network: Resource<Network>, name: String) -> Resource<ResolveAddressStream> =
        plain HostLookup::resolve_addresses;
    lookup_next(this: Resource<ResolveAddressStream>) -> Option<IpAddress> =
        plain HostResolveAddressStream::resolve_next_address;

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
    pub(super) fn checked(&self) -> Result<()> {
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

    pub(super) fn udp_create(&mut self, family: IpAddressFamily) -> Answer<Resource<UdpSocket>, ErrorCode> {
        self.counted(ErrorCode::NewSocketLimit, |wasi| wasi.new_udp(family))
    }

    pub(super) fn lookup_subscribe(&mut self, this: Resource<ResolveAddressStream>) -> Result<Resource<DynPollable>> {
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
