//! Which addresses the sockets of components may use.

use super::{System, wasmtime_wasi_system_t};
use std::net::SocketAddr;
use std::sync::Arc;
use wasmtime_c_api::wasmtime_error_t;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

/// An address is for a TCP socket to be bound to, explicitly or by the system; the wildcard address in the second case.
pub const WASMTIME_WASI_SOCKET_TCP_BIND: u32 = 0;
/// An address is the one of a TCP socket that shall listen.
pub const WASMTIME_WASI_SOCKET_TCP_LISTEN: u32 = 1;
/// An address is that of a TCP client. If it is refused, the connection is dropped.
pub const WASMTIME_WASI_SOCKET_TCP_ACCEPT: u32 = 2;
/// An address is for a TCP socket to connect to.
pub const WASMTIME_WASI_SOCKET_TCP_CONNECT: u32 = 3;
/// An address is for a UDP socket to be bound to, explicitly or by the system; the wildcard address in the second case.
pub const WASMTIME_WASI_SOCKET_UDP_BIND: u32 = 4;
/// An address is where a datagram goes.
pub const WASMTIME_WASI_SOCKET_UDP_SEND: u32 = 5;
/// An address is where a datagram comes from. If it is refused, the datagram is dropped.
pub const WASMTIME_WASI_SOCKET_UDP_RECEIVE: u32 = 6;

/// An IP address with a port.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_socket_addr_t {
    /// The address in network order; of IPv4, the first four bytes.
    pub ip: [u8; 16],
    /// Whether it is IPv6.
    pub ipv6: bool,
    /// The port, in the machine's order.
    pub port: u16,
    /// Of IPv6, the traffic class and the flow label.
    pub flow_info: u32,
    /// Of IPv6, which of the host's interfaces a link-local address belongs to.
    pub scope_id: u32,
}

/// Decides whether a socket of a component may use an address, and writes it to `*allowed`, which is false. `reason`
/// is one of the `WASMTIME_WASI_SOCKET_*` constants. It may be called on any thread, by several at once, and while
/// the guest does something else. Returns null, or an error, which it gives away; see `wasmtime_wasi_system_t`.
pub type wasmtime_wasi_socket_addr_check_callback_t = extern "C" fn(
    env: u64,
    addr: *const wasmtime_wasi_socket_addr_t,
    reason: u32,
    allowed: *mut bool,
) -> Option<Box<wasmtime_error_t>>;

impl From<SocketAddr> for wasmtime_wasi_socket_addr_t {
    fn from(addr: SocketAddr) -> Self {
        let mut out =
            wasmtime_wasi_socket_addr_t { ip: [0; 16], ipv6: false, port: addr.port(), flow_info: 0, scope_id: 0 };
        match addr {
            SocketAddr::V4(addr) => out.ip[..4].copy_from_slice(&addr.ip().octets()),
            SocketAddr::V6(addr) => {
                out.ip = addr.ip().octets();
                out.ipv6 = true;
                out.flow_info = addr.flowinfo();
                out.scope_id = addr.scope_id();
            }
        }
        out
    }
}

fn number(reason: SocketAddrUse) -> u32 {
    match reason {
        SocketAddrUse::TcpBind => WASMTIME_WASI_SOCKET_TCP_BIND,
        SocketAddrUse::TcpListen => WASMTIME_WASI_SOCKET_TCP_LISTEN,
        SocketAddrUse::TcpAccept => WASMTIME_WASI_SOCKET_TCP_ACCEPT,
        SocketAddrUse::TcpConnect => WASMTIME_WASI_SOCKET_TCP_CONNECT,
        SocketAddrUse::UdpBind => WASMTIME_WASI_SOCKET_UDP_BIND,
        SocketAddrUse::UdpSend => WASMTIME_WASI_SOCKET_UDP_SEND,
        SocketAddrUse::UdpReceive => WASMTIME_WASI_SOCKET_UDP_RECEIVE,
    }
}

/// What components may do in the network by TCP. Upstream's context knows the same, and all else.
#[derive(Clone, Default)]
pub(in crate::wasi) struct Network {
    /// Whether they may have sockets.
    pub(in crate::wasi) tcp: bool,
    addresses: Addresses,
}

/// Which addresses they may use.
#[derive(Clone, Default)]
enum Addresses {
    #[default]
    None,
    All,
    Checked(Arc<System>, wasmtime_wasi_socket_addr_check_callback_t),
}

impl Network {
    pub(super) fn new(options: &wasmtime_wasi_system_t, system: Option<&Arc<System>>) -> Network {
        let addresses = match (options.socket_addr_check, system) {
            (Some(check), Some(system)) => Addresses::Checked(system.clone(), check),
            _ if options.inherit_network => Addresses::All,
            _ => Addresses::None,
        };
        Network { tcp: options.allow_tcp, addresses }
    }

    /// Whether a socket may use an address. One that fails to be checked it may not, and the failure is kept.
    pub(in crate::wasi) fn allows(&self, addr: SocketAddr, reason: SocketAddrUse) -> bool {
        match &self.addresses {
            Addresses::None => false,
            Addresses::All => true,
            Addresses::Checked(system, check) => {
                let mut allowed = false;
                match check(system.env, &addr.into(), number(reason), &raw mut allowed) {
                    None => allowed,
                    Some(error) => {
                        system.keep((*error).into());
                        false
                    }
                }
            }
        }
    }

    /// Has `builder` say the same.
    pub(super) fn apply(&self, builder: &mut WasiCtxBuilder) {
        builder.allow_tcp(self.tcp);
        let network = self.clone();
        builder.socket_addr_check(move |addr, reason| Box::pin(std::future::ready(network.allows(addr, reason))));
    }
}
