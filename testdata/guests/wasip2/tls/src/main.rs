//! `tls ADDRESS PORT NAME WHAT…`: connects to an IPv4 address, makes TLS of that by `wasi:tls` for a server's name, and
//! does what the arguments say, one after the other. It prints a line for each.

use std::mem;
use wasip2::io::poll;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::{instance_network, tcp_create_socket};

wit_bindgen::generate!({
    inline: "
        package wasi:tls@0.2.0-draft;

        interface types {
            use wasi:io/streams@0.2.12.{input-stream, output-stream};
            use wasi:io/poll@0.2.12.{pollable};
            use wasi:io/error@0.2.12.{error as io-error};

            resource client-handshake {
                constructor(server-name: string, input: input-stream, output: output-stream);
                finish: static func(this: client-handshake) -> future-client-streams;
            }
            resource client-connection {
                close-output: func();
            }
            resource future-client-streams {
                subscribe: func() -> pollable;
                get: func() -> option<result<result<tuple<client-connection, input-stream, output-stream>, io-error>>>;
            }
        }

        world guest {
            import types;
        }

        package wasi:io@0.2.12 {
            interface error {
                resource error { to-debug-string: func() -> string; }
            }
            interface poll {
                resource pollable { ready: func() -> bool; block: func(); }
                poll: func(in: list<borrow<pollable>>) -> list<u32>;
            }
            interface streams {
                use error.{error};
                use poll.{pollable};
                variant stream-error { last-operation-failed(error), closed }
                resource input-stream {
                    read: func(len: u64) -> result<list<u8>, stream-error>;
                    blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                    skip: func(len: u64) -> result<u64, stream-error>;
                    blocking-skip: func(len: u64) -> result<u64, stream-error>;
                    subscribe: func() -> pollable;
                }
                resource output-stream {
                    check-write: func() -> result<u64, stream-error>;
                    write: func(contents: list<u8>) -> result<_, stream-error>;
                    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                    flush: func() -> result<_, stream-error>;
                    blocking-flush: func() -> result<_, stream-error>;
                    subscribe: func() -> pollable;
                    write-zeroes: func(len: u64) -> result<_, stream-error>;
                    blocking-write-zeroes-and-flush: func(len: u64) -> result<_, stream-error>;
                    splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>;
                    blocking-splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>;
                }
            }
        }
    ",
    world: "wasi:tls/guest",
    with: {
        "wasi:io/error@0.2.12": wasip2::io::error,
        "wasi:io/poll@0.2.12": wasip2::io::poll,
        "wasi:io/streams@0.2.12": wasip2::io::streams,
    },
    generate_all,
});

use wasi::tls::types::{ClientConnection, ClientHandshake, FutureClientStreams};

fn connect(address: &str, port: &str) -> (TcpSocket, InputStream, OutputStream) {
    let octets: Vec<u8> = address.split('.').map(|part| part.parse().unwrap()).collect();
    let address = (octets[0], octets[1], octets[2], octets[3]);
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: port.parse().unwrap(), address });
    let socket = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4).unwrap();
    socket.start_connect(&instance_network::instance_network(), address).unwrap();
    socket.subscribe().block();
    let (input, output) = socket.finish_connect().unwrap();
    (socket, input, output)
}

/// A connection; its streams have to be gone before it, and are before its socket.
struct Client {
    input: InputStream,
    output: OutputStream,
    connection: ClientConnection,
    _socket: Option<TcpSocket>,
}

fn begin(address: &str, port: &str, name: &str) -> (Option<TcpSocket>, FutureClientStreams) {
    let (socket, input, output) = connect(address, port);
    let handshake = ClientHandshake::new(name, input, output);
    (Some(socket), ClientHandshake::finish(handshake))
}

fn client(address: &str, port: &str, name: &str) -> Result<Client, String> {
    let (socket, future) = begin(address, port, name);
    future.subscribe().block();
    let got = future.get().expect("a future that is ready").expect("what nobody has got");
    assert!(matches!(future.get(), Some(Err(()))), "what somebody has got");
    let (connection, input, output) = got.map_err(|error| error.to_debug_string())?;
    Ok(Client { input, output, connection, _socket: socket })
}

fn said<T>(result: Result<T, StreamError>) -> Result<T, String> {
    result.map_err(|error| match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => format!("failed: {}", error.to_debug_string()),
    })
}

fn byte(at: usize) -> u8 {
    (at * 7 + at / 251) as u8
}

impl Client {
    /// Sends bytes and reads them again, both at once; then the end of both.
    fn echo(&self, many: usize) -> Result<String, String> {
        let (mut sent, mut got, mut closing, mut ended) = (0, 0, false, false);
        let (readable, writable) = (self.input.subscribe(), self.output.subscribe());
        while got < many || !ended {
            let ready = match sent < many || !closing {
                true => poll::poll(&[&readable, &writable]),
                false => poll::poll(&[&readable]),
            };
            if ready.contains(&0) {
                match self.input.read(1 << 20) {
                    Err(StreamError::Closed) if got == many => ended = true,
                    bytes => {
                        for byte_got in said(bytes)? {
                            if byte_got != byte(got) {
                                return Err(format!("byte {got} is another"));
                            }
                            got += 1;
                        }
                    }
                }
            }
            if ready.contains(&1) {
                let n = (said(self.output.check_write())? as usize).min(many - sent);
                let bytes: Vec<u8> = (sent..sent + n).map(byte).collect();
                said(self.output.write(&bytes))?;
                sent += n;
            }
            if sent == many && !closing {
                said(self.output.flush())?;
                self.connection.close_output();
                closing = true;
            }
        }
        let after = said(self.output.blocking_write_and_flush(b"more"));
        Ok(format!("echoed {got}, {}", after.unwrap_err()))
    }

    /// Writes and never reads.
    fn flood(&self) -> Result<String, String> {
        let bytes = [7; 4096];
        loop {
            said(self.output.blocking_write_and_flush(&bytes))?;
        }
    }

    fn read(&self) -> Result<String, String> {
        let bytes = said(self.input.blocking_read(4096))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn write(&self, many: usize) -> Result<String, String> {
        said(self.output.blocking_write_and_flush(&vec![7; many])).map(|()| format!("wrote {many}"))
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, port, name, what @ ..] = &args[..] else { panic!("tls ADDRESS PORT NAME WHAT…") };
    let mut open: Option<Client> = None;
    for what in what {
        let (what, argument) = what.split_once(' ').unwrap_or((what, ""));
        let done = match what {
            // Handshakes that are never looked at.
            "hoard" => {
                mem::forget((0..number(argument)).map(|_| begin(address, port, name)).collect::<Vec<_>>());
                Ok("hoarded".to_owned())
            }
            // The same, and dropped in the middle.
            "abandon" => {
                (0..number(argument)).for_each(|_| drop(begin(address, port, name)));
                Ok("abandoned".to_owned())
            }
            "many" => (0..number(argument)).try_for_each(|_| client(address, port, name)?.echo(1000).map(drop)).map(|()| "many".to_owned()),
            // The connection, before its streams.
            "disorder" => {
                let client = open.take().expect("an open connection");
                drop(client.connection);
                Ok("dropped".to_owned())
            }
            "close" => {
                open = None;
                Ok("closed".to_owned())
            }
            _ => match open.take().map_or_else(|| client(address, port, name), Ok) {
                Err(error) => Err(format!("refused: {error}")),
                Ok(client) => {
                    let done = match what {
                        "echo" => client.echo(number(argument)),
                        "flood" => client.flood(),
                        "read" => client.read(),
                        "write" => client.write(number(argument)),
                        "open" => Ok("open".to_owned()),
                        what => Err(format!("what is {what}?")),
                    };
                    open = Some(client);
                    done
                }
            },
        };
        println!("{}", done.unwrap_or_else(|error| error));
    }
}
