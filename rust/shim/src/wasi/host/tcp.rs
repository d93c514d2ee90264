//! TCP sockets: what a guest that makes them does with them, and their addresses and options. The same on every system.

use super::kind::Kind;
use super::system::from_io;
use super::{HostFile, TcpOption};
use crate::wasi::fault::Errno;
use rustix::io::Errno as Host;
use rustix::net::sockopt;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::net::SocketAddr;
use std::time::Duration;

impl HostFile {
    /// Makes a socket that is the guest's alone, on which nothing waits.
    pub(in crate::wasi) fn tcp(ipv6: bool) -> Result<HostFile, Errno> {
        let domain = if ipv6 { Domain::IPV6 } else { Domain::IPV4 };
        let made = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).and_then(|socket| {
            if ipv6 {
                socket.set_only_v6(true)?;
            }
            // As Go has it. WASI knows no option for that, and wasi-libc tells a program that asks that it is so.
            socket.set_tcp_nodelay(true)?;
            socket.set_nonblocking(NONBLOCKING)?;
            Ok(socket)
        });
        Ok(HostFile::socket(made.map_err(from_io)?))
    }

    /// Binds it to an address. One that an earlier socket has just left can be had again.
    pub(in crate::wasi) fn bind(&self, at: SocketAddr) -> Result<(), Errno> {
        let fd = self.as_fd();
        let socket = SockRef::from(&fd);
        // On Windows that is so without the option, which would let two sockets have an address.
        if cfg!(unix) {
            socket.set_reuse_address(true).map_err(from_io)?;
        }
        socket.bind(&at.into()).map_err(from_io)
    }

    /// Begins to connect it. Once it is ready to be written, [`HostFile::connected`] tells what has become of that.
    pub(in crate::wasi) fn connect(&self, to: SocketAddr) -> Result<(), Errno> {
        let fd = self.as_fd();
        let socket = SockRef::from(&fd);
        socket.set_nonblocking(true).map_err(from_io)?;
        match socket.connect(&to.into()) {
            Err(error) if !goes_on(&error) => Err(from_io(error)),
            _ => Ok(()),
        }
    }

    /// Ends what [`HostFile::connect`] has begun.
    pub(in crate::wasi) fn connected(&self) -> Result<(), Errno> {
        let fd = self.as_fd();
        let socket = SockRef::from(&fd);
        match socket.take_error().and_then(|error| error.map_or(Ok(()), Err)) {
            Ok(()) => socket.set_nonblocking(NONBLOCKING).map_err(from_io),
            Err(error) => Err(from_io(error)),
        }
    }

    /// Makes it a listener, or changes how many connections may wait to be accepted.
    pub(in crate::wasi) fn listen(&mut self, backlog: i32) -> Result<(), Errno> {
        SockRef::from(&self.as_fd()).listen(backlog).map_err(from_io)?;
        self.kind = Some(Kind::Listener);
        Ok(())
    }

    /// Has the other side hear, when this is closed, that nobody wanted the connection.
    pub(in crate::wasi) fn refuse(&self) {
        // Without it the other side hears of an end.
        _ = SockRef::from(&self.as_fd()).set_linger(Some(Duration::ZERO));
    }

    /// The address of this side of a connection, or of the other; `ENOTSUP` for a socket that has none of the
    /// Internet's.
    pub(in crate::wasi) fn address(&self, remote: bool) -> Result<SocketAddr, Errno> {
        let fd = self.as_fd();
        let socket = SockRef::from(&fd);
        let address = if remote { socket.peer_addr() } else { socket.local_addr() };
        address.map_err(from_io)?.as_socket().ok_or(Errno::Notsup)
    }

    /// An option of a stream socket, of IPv6 or of IPv4.
    pub(in crate::wasi) fn tcp_option(&self, option: TcpOption, ipv6: bool) -> Result<u64, Errno> {
        let fd = self.as_fd();
        let time = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        match option {
            TcpOption::KeepAlive => sockopt::socket_keepalive(fd).map(u64::from),
            TcpOption::KeepAliveIdle => sockopt::tcp_keepidle(fd).map(time),
            TcpOption::KeepAliveInterval => sockopt::tcp_keepintvl(fd).map(time),
            TcpOption::KeepAliveCount => sockopt::tcp_keepcnt(fd).map(u64::from),
            TcpOption::HopLimit if ipv6 => sockopt::ipv6_unicast_hops(fd).map(u64::from),
            TcpOption::HopLimit => sockopt::ip_ttl(fd).map(u64::from),
            TcpOption::ReceiveBuffer => sockopt::socket_recv_buffer_size(fd).map(|n| (n / BUFFER_FACTOR) as u64),
            TcpOption::SendBuffer => sockopt::socket_send_buffer_size(fd).map(|n| (n / BUFFER_FACTOR) as u64),
        }
        .map_err(|error| from_io(error.into()))
    }

    /// Sets an option of a stream socket, for the host as well. What is too large is what the system allows.
    pub(in crate::wasi) fn set_tcp_option(&self, option: TcpOption, value: u64, ipv6: bool) -> Result<(), Errno> {
        let fd = self.as_fd();
        // The least and the most that systems take.
        let time = || Duration::from_nanos(value).clamp(Duration::from_secs(1), Duration::from_secs(i16::MAX as u64));
        let count = || value.min(i8::MAX as u64) as u32;
        let hops = || u8::try_from(value).unwrap_or(u8::MAX);
        let size = || usize::try_from(value.min(i32::MAX as u64)).unwrap_or(usize::MAX);
        let set = match option {
            TcpOption::KeepAlive => sockopt::set_socket_keepalive(fd, value != 0),
            TcpOption::KeepAliveIdle => sockopt::set_tcp_keepidle(fd, time()),
            TcpOption::KeepAliveInterval => sockopt::set_tcp_keepintvl(fd, time()),
            TcpOption::KeepAliveCount => sockopt::set_tcp_keepcnt(fd, count()),
            TcpOption::HopLimit if ipv6 => sockopt::set_ipv6_unicast_hops(fd, Some(hops())),
            TcpOption::HopLimit => sockopt::set_ip_ttl(fd, hops().into()),
            TcpOption::ReceiveBuffer => sockopt::set_socket_recv_buffer_size(fd, size()),
            TcpOption::SendBuffer => sockopt::set_socket_send_buffer_size(fd, size()),
        };
        match set {
            // Only macOS says so of a buffer that is too large.
            Err(Host::NOBUFS) if matches!(option, TcpOption::ReceiveBuffer | TcpOption::SendBuffer) => Ok(()),
            set => set.map_err(|error| from_io(error.into())),
        }
    }
}

/// Whether a socket is the system's to wait for. On Windows none is but while it connects: the operations that are used
/// there do not wait anyway.
const NONBLOCKING: bool = cfg!(unix);

/// Linux says twice what was set.
const BUFFER_FACTOR: usize = if cfg!(target_os = "linux") { 2 } else { 1 };

/// Whether connecting goes on after that.
fn goes_on(error: &std::io::Error) -> bool {
    matches!(Host::from_io_error(error), Some(Host::INPROGRESS | Host::WOULDBLOCK | Host::INTR))
}
