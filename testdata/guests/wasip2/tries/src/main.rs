//! `tries OPERATION…`: calls functions of WASI 0.2 as its arguments say, one after the other, and prints a line for
//! each. The words of an operation are separated by `|`, and `%0` is a zero. Directories and files are numbers: first
//! those of the preopened directories, then what is opened. It is a guest that tries what it may not, so it checks
//! nothing.

use std::fmt::Display;
use std::mem::ManuallyDrop;
use wasip2::cli::{environment, stdin, stdout};
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::filesystem::preopens;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
    filesystem_error_code,
};
use wasip2::io::{poll, streams::StreamError};
use wasip2::random::{insecure, insecure_seed, random};
use wasip2::sockets::network::{
    ErrorCode as NetworkCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
};
use wasip2::sockets::{
    instance_network, ip_name_lookup, tcp, tcp_create_socket, udp, udp_create_socket,
};

struct Tries {
    nodes: Vec<Option<Descriptor>>,
}

/// What came of an operation, as a text in either case.
type Said = Result<String, String>;

fn file<T>(result: Result<T, ErrorCode>) -> Result<T, String> {
    result.map_err(|code| code.name().to_owned())
}

fn net<T>(result: Result<T, NetworkCode>) -> Result<T, String> {
    result.map_err(|code| code.name().to_owned())
}

fn stream<T>(result: Result<T, StreamError>) -> Result<T, String> {
    result.map_err(|error| match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => match filesystem_error_code(&error) {
            Some(code) => format!("failed: {}", code.name()),
            None => format!("failed: {}", error.to_debug_string()),
        },
    })
}

fn done<T>(result: Result<T, String>) -> Said {
    result.map(|_| "ok".to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn follow(word: &str) -> PathFlags {
    if word == "follow" {
        PathFlags::SYMLINK_FOLLOW
    } else {
        PathFlags::empty()
    }
}

fn opening(word: &str) -> OpenFlags {
    let mut flags = OpenFlags::empty();
    flags.set(OpenFlags::CREATE, word.contains('c'));
    flags.set(OpenFlags::DIRECTORY, word.contains('d'));
    flags.set(OpenFlags::EXCLUSIVE, word.contains('x'));
    flags.set(OpenFlags::TRUNCATE, word.contains('t'));
    flags
}

fn access(word: &str) -> DescriptorFlags {
    let mut flags = DescriptorFlags::empty();
    flags.set(DescriptorFlags::READ, word.contains('r'));
    flags.set(DescriptorFlags::WRITE, word.contains('w'));
    flags.set(DescriptorFlags::MUTATE_DIRECTORY, word.contains('m'));
    flags
}

fn loopback(port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port,
        address: (127, 0, 0, 1),
    })
}

/// Does something until it fails, or has succeeded so often. Everything is kept for as long.
fn hoard<T, E: Display>(most: &str, mut take: impl FnMut() -> Result<T, E>) -> Said {
    let most: usize = most.parse().unwrap();
    let mut all = Vec::new();
    while all.len() < most {
        match take() {
            Ok(one) => all.push(one),
            Err(error) => return Ok(format!("{} {error}", all.len())),
        }
    }
    Ok(format!("{} all", all.len()))
}

impl Tries {
    fn node(&self, number: &str) -> Result<&Descriptor, String> {
        let number: usize = number.parse().map_err(|_| format!("no number: {number}"))?;
        self.nodes
            .get(number)
            .and_then(Option::as_ref)
            .ok_or_else(|| "dropped".to_owned())
    }

    fn operation(&mut self, words: &[&str]) -> Said {
        match *words {
            ["open", at, path, links, how, flags] => {
                let node =
                    file(
                        self.node(at)?
                            .open_at(follow(links), path, opening(how), access(flags)),
                    )?;
                self.nodes.push(Some(node));
                Ok((self.nodes.len() - 1).to_string())
            }
            ["drop", at] => {
                let number: usize = at.parse().unwrap();
                self.nodes[number] = None;
                Ok("ok".to_owned())
            }
            ["stat", at, path, links] => {
                let stat = file(self.node(at)?.stat_at(follow(links), path))?;
                Ok(format!("{:?} {}", stat.type_, stat.size))
            }
            ["readlink", at, path] => file(self.node(at)?.readlink_at(path)),
            ["symlink", at, target, path] => done(file(self.node(at)?.symlink_at(target, path))),
            ["link", at, path, to, to_path, links] => done(file(self.node(at)?.link_at(
                follow(links),
                path,
                self.node(to)?,
                to_path,
            ))),
            ["rename", at, path, to, to_path] => done(file(self.node(at)?.rename_at(
                path,
                self.node(to)?,
                to_path,
            ))),
            ["unlink", at, path] => done(file(self.node(at)?.unlink_file_at(path))),
            ["rmdir", at, path] => done(file(self.node(at)?.remove_directory_at(path))),
            ["mkdir", at, path] => done(file(self.node(at)?.create_directory_at(path))),
            ["times", at, path, links] => done(file(self.node(at)?.set_times_at(
                follow(links),
                path,
                NewTimestamp::Now,
                NewTimestamp::Now,
            ))),
            ["touch", at] => done(file(
                self.node(at)?
                    .set_times(NewTimestamp::Now, NewTimestamp::Now),
            )),
            ["hash", at, path, links] => {
                let one = file(self.node(at)?.metadata_hash_at(follow(links), path))?;
                let own = file(self.node(at)?.metadata_hash())?;
                Ok(format!(
                    "itself {}",
                    (one.lower, one.upper) == (own.lower, own.upper)
                ))
            }
            ["same", at, other] => Ok(format!(
                "{}",
                self.node(at)?.is_same_object(self.node(other)?)
            )),
            ["flags", at] => {
                let node = self.node(at)?;
                let flags = file(node.get_flags())?;
                let set = |flag, letter: &str| {
                    if flags.contains(flag) {
                        letter.to_owned()
                    } else {
                        String::new()
                    }
                };
                let all = set(DescriptorFlags::READ, "r")
                    + &set(DescriptorFlags::WRITE, "w")
                    + &set(DescriptorFlags::MUTATE_DIRECTORY, "m");
                Ok(format!("{:?} {all}", file(node.get_type())?))
            }
            ["read", at, len, offset] => {
                let (bytes, end) = file(
                    self.node(at)?
                        .read(len.parse().unwrap(), offset.parse().unwrap()),
                )?;
                Ok(format!(
                    "{} {:?} {end}",
                    bytes.len(),
                    text(&bytes[..bytes.len().min(40)])
                ))
            }
            ["write", at, what, offset] => file(
                self.node(at)?
                    .write(what.as_bytes(), offset.parse().unwrap()),
            )
            .map(|n| n.to_string()),
            ["write-much", at, len] => {
                let bytes = vec![b'x'; len.parse().unwrap()];
                file(self.node(at)?.write(&bytes, 0)).map(|n| n.to_string())
            }
            ["append", at, what] => {
                let out = file(self.node(at)?.append_via_stream())?;
                done(stream(out.blocking_write_and_flush(what.as_bytes())))
            }
            ["stream-write", at, what, offset] => {
                let out = file(self.node(at)?.write_via_stream(offset.parse().unwrap()))?;
                done(stream(out.blocking_write_and_flush(what.as_bytes())))
            }
            ["stream-read", at, len, offset] => {
                let from = file(self.node(at)?.read_via_stream(offset.parse().unwrap()))?;
                let bytes = stream(from.blocking_read(len.parse().unwrap()))?;
                Ok(format!(
                    "{} {:?}",
                    bytes.len(),
                    text(&bytes[..bytes.len().min(40)])
                ))
            }
            // A stream outlives its descriptor.
            ["stream-after-drop", at, path] => {
                let node = file(self.node(at)?.open_at(
                    PathFlags::empty(),
                    path,
                    OpenFlags::empty(),
                    access("r"),
                ))?;
                let from = file(node.read_via_stream(0))?;
                drop(node);
                Ok(text(&stream(from.blocking_read(100))?))
            }
            ["size", at, size] => done(file(self.node(at)?.set_size(size.parse().unwrap()))),
            ["sync", at] => done(file(self.node(at)?.sync())),
            ["list", at] => {
                let entries = file(self.node(at)?.read_directory())?;
                let mut names = Vec::new();
                while let Some(entry) = file(entries.read_directory_entry())? {
                    names.push(entry.name);
                }
                names.sort();
                Ok(names[..names.len().min(20)].join(","))
            }
            // Opens the same path again and again, while the host changes what it is: what was read, each once.
            ["race", at, path, links, rounds] => {
                let mut seen = std::collections::BTreeSet::new();
                for _ in 0..rounds.parse::<usize>().unwrap() {
                    let opened = self.node(at)?.open_at(
                        follow(links),
                        path,
                        OpenFlags::empty(),
                        access("r"),
                    );
                    seen.insert(match opened {
                        Ok(node) => node
                            .read(40, 0)
                            .map_or_else(|e| e.name().to_owned(), |(bytes, _)| text(&bytes)),
                        Err(code) => code.name().to_owned(),
                    });
                }
                Ok(seen.into_iter().collect::<Vec<_>>().join(","))
            }

            ["hoard", "descriptors", most, at] => {
                let node = self.node(at)?;
                hoard(most, || {
                    file(node.open_at(PathFlags::empty(), ".", OpenFlags::DIRECTORY, access("r")))
                })
            }
            ["hoard", "listings", most, at] => {
                let node = self.node(at)?;
                hoard(most, || file(node.read_directory()))
            }
            // As many that have begun, each of which has its folder's listing.
            ["hoard", "listed", most, at] => {
                let node = self.node(at)?;
                hoard(most, || {
                    let entries = file(node.read_directory())?;
                    file(entries.read_directory_entry()).map(|_| entries)
                })
            }
            ["hoard", "streams", most, at] => {
                let node = self.node(at)?;
                hoard(most, || file(node.read_via_stream(0)))
            }
            // Streams that hold what nobody takes. Dropping one would wait.
            ["hoard", "pending", most] => hoard(most, || {
                let out = stdout::get_stdout();
                match stream(out.check_write())? {
                    0 => Err("none".to_owned()),
                    n => {
                        stream(out.write(&vec![b'x'; n as usize])).map(|()| ManuallyDrop::new(out))
                    }
                }
            }),
            // The same by who does not ask first.
            ["hoard", "unasked", most] => hoard(most, || {
                let out = stdout::get_stdout();
                stream(out.write(&[b'x'; 65536])).map(|()| ManuallyDrop::new(out))
            }),
            ["hoard", "pollables", most] => hoard(most, || {
                Ok::<_, String>(monotonic_clock::subscribe_duration(u64::MAX))
            }),
            ["hoard", "stdin", most] => hoard(most, || Ok::<_, String>(stdin::get_stdin())),
            ["hoard", "errors", most, at] => {
                let node = self.node(at)?;
                hoard(most, || {
                    match file(node.write_via_stream(0))?.blocking_write_and_flush(b"x") {
                        Err(StreamError::LastOperationFailed(error)) => Ok(error),
                        Err(StreamError::Closed) => Err("closed".to_owned()),
                        Ok(()) => Err("written".to_owned()),
                    }
                })
            }
            ["hoard", "tcp", most] => hoard(most, || {
                net(tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4))
            }),
            ["hoard", "udp", most] => hoard(most, || {
                net(udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4))
            }),
            ["hoard", "lookups", most] => {
                let network = instance_network::instance_network();
                hoard(most, || {
                    net(ip_name_lookup::resolve_addresses(&network, "127.0.0.1"))
                })
            }
            ["random", "secure", len] => Ok(random::get_random_bytes(len.parse().unwrap())
                .len()
                .to_string()),
            ["random", "insecure", len] => {
                Ok(insecure::get_insecure_random_bytes(len.parse().unwrap())
                    .len()
                    .to_string())
            }
            ["random", "u64"] => Ok(format!(
                "{:x} {:x}",
                random::get_random_u64(),
                insecure::get_insecure_random_u64()
            )),
            ["random", "seed"] => Ok(format!("{:x?}", insecure_seed::insecure_seed())),
            ["clock", "wall"] => {
                let now = wall_clock::now();
                Ok(format!("{}.{:09}", now.seconds, now.nanoseconds))
            }
            ["clock", "monotonic"] => Ok(monotonic_clock::now().to_string()),
            ["sleep", ns] => {
                monotonic_clock::subscribe_duration(ns.parse().unwrap()).block();
                Ok("slept".to_owned())
            }
            // Many pollables of one time, of which none or all are ready.
            ["poll", count, ns] => {
                let pollable = monotonic_clock::subscribe_duration(ns.parse().unwrap());
                let all = vec![&pollable; count.parse().unwrap()];
                Ok(poll::poll(&all).len().to_string())
            }
            ["poll-none"] => Ok(poll::poll(&[]).len().to_string()),

            ["stdin", "read"] => {
                stream(stdin::get_stdin().blocking_read(100)).map(|bytes| text(&bytes))
            }
            ["stdin", "now"] => stream(stdin::get_stdin().read(100)).map(|bytes| text(&bytes)),
            ["stdin", "skip"] => {
                stream(stdin::get_stdin().blocking_skip(100)).map(|n| n.to_string())
            }
            ["stdin", "poll"] => {
                let from = stdin::get_stdin();
                let ready = from.subscribe();
                let late = monotonic_clock::subscribe_duration(u64::MAX);
                Ok(format!("{:?}", poll::poll(&[&late, &ready])))
            }
            ["stdin", "splice"] => {
                let n = stream(stdout::get_stdout().blocking_splice(&stdin::get_stdin(), 100))?;
                Ok(n.to_string())
            }
            ["stdout", "fill", len] => {
                let out = stdout::get_stdout();
                for _ in 0..len.parse::<usize>().unwrap() / 4096 {
                    stream(out.blocking_write_and_flush(&[b'x'; 4096]))?;
                }
                Ok("filled".to_owned())
            }
            ["stdout", "poll"] => {
                let out = stdout::get_stdout();
                while stream(out.check_write())? > 0 {
                    stream(out.write(&[b'x'; 4096]))?;
                }
                out.subscribe().block();
                Ok("ready".to_owned())
            }
            // What has not been written yet when the stream is dropped.
            ["stdout", "drop"] => {
                let out = stdout::get_stdout();
                while stream(out.check_write())? > 0 {
                    stream(out.write(&[b'x'; 4096]))?;
                }
                drop(out);
                Ok("dropped".to_owned())
            }
            // More than check-write has allowed.
            ["stdout", "unpermitted"] => {
                done(stream(stdout::get_stdout().write(&vec![b'x'; 1 << 20])))
            }

            ["accept"] | ["accept", _] => {
                let network = instance_network::instance_network();
                let socket = net(tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4))?;
                net(socket.start_bind(&network, loopback(0)))?;
                net(socket.finish_bind())?;
                net(socket.start_listen())?;
                net(socket.finish_listen())?;
                if words.len() == 1 {
                    socket.subscribe().block();
                }
                net(socket.accept()).map(|_| "accepted".to_owned())
            }
            ["connect", port] => {
                let network = instance_network::instance_network();
                let socket = net(tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4))?;
                let (from, _out) = connect(&socket, &network, port.parse().unwrap())?;
                stream(from.blocking_read(100)).map(|bytes| text(&bytes))
            }
            ["connect-fill", port] => {
                let network = instance_network::instance_network();
                let socket = net(tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4))?;
                let (_from, out) = connect(&socket, &network, port.parse().unwrap())?;
                loop {
                    stream(out.blocking_write_and_flush(&[b'x'; 4096]))?;
                }
            }
            // More than the connection takes is ended before it was taken.
            ["connect-shutdown", port] => {
                let network = instance_network::instance_network();
                let socket = net(tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4))?;
                let (_from, out) = connect(&socket, &network, port.parse().unwrap())?;
                let mut n = 0;
                loop {
                    match stream(out.check_write())? {
                        0 => break,
                        most => {
                            stream(out.write(&vec![b'x'; most as usize]))?;
                            n += most;
                        }
                    }
                }
                net(socket.shutdown(tcp::ShutdownType::Send))?;
                Ok(n.to_string())
            }
            ["udp", "receive"] => {
                let network = instance_network::instance_network();
                let socket = net(udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4))?;
                net(socket.start_bind(&network, loopback(0)))?;
                net(socket.finish_bind())?;
                let (from, _to) = net(socket.stream(None))?;
                from.subscribe().block();
                net(from.receive(10)).map(|all| all.len().to_string())
            }
            // More datagrams than check-send has allowed.
            ["udp", "unpermitted"] => {
                let network = instance_network::instance_network();
                let socket = net(udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4))?;
                net(socket.start_bind(&network, loopback(0)))?;
                net(socket.finish_bind())?;
                let (_from, to) = net(socket.stream(None))?;
                let one = udp::OutgoingDatagram {
                    data: vec![0],
                    remote_address: Some(loopback(9)),
                };
                net(to.send(&[one])).map(|n| n.to_string())
            }
            ["lookup", name] => {
                let network = instance_network::instance_network();
                let found = net(ip_name_lookup::resolve_addresses(&network, name))?;
                loop {
                    match found.resolve_next_address() {
                        Err(NetworkCode::WouldBlock) => found.subscribe().block(),
                        Ok(Some(_)) => return Ok("found".to_owned()),
                        Ok(None) => return Ok("nothing".to_owned()),
                        Err(code) => return Err(code.name().to_owned()),
                    }
                }
            }
            ["cwd"] => Ok(format!("{:?}", environment::initial_cwd())),
            ["exit", status] => {
                wasip2::cli::exit::exit(if status == "ok" { Ok(()) } else { Err(()) });
                Ok("it goes on".to_owned())
            }
            ["exit-with", code] => {
                wasip2::cli::exit::exit_with_code(code.parse().unwrap());
                Ok("it goes on".to_owned())
            }
            ["abort"] => std::process::abort(),
            ["spin"] => loop {
                std::hint::spin_loop();
            },
            _ => Err(format!("unknown: {words:?}")),
        }
    }
}

type Connected = (
    wasip2::io::streams::InputStream,
    wasip2::io::streams::OutputStream,
);

fn connect(
    socket: &tcp::TcpSocket,
    network: &wasip2::sockets::network::Network,
    port: u16,
) -> Result<Connected, String> {
    net(socket.start_connect(network, loopback(port)))?;
    loop {
        match socket.finish_connect() {
            Err(NetworkCode::WouldBlock) => socket.subscribe().block(),
            other => return net(other),
        }
    }
}

fn main() {
    let nodes = preopens::get_directories()
        .into_iter()
        .map(|(node, _)| Some(node))
        .collect();
    let mut tries = Tries { nodes };
    for argument in environment::get_arguments().iter().skip(1) {
        let argument = argument.replace("%0", "\0"); // which an argument cannot have
        let words: Vec<_> = argument.split('|').collect();
        // Directly: the standard output may be what is tried.
        let line = match tries.operation(&words) {
            Ok(text) => format!("{text}\n"),
            Err(text) => format!("error: {text}\n"),
        };
        let out = wasip2::cli::stderr::get_stderr();
        if out
            .blocking_write_and_flush(&line.as_bytes()[..line.len().min(4096)])
            .is_err()
        {
            std::process::exit(1);
        }
    }
}
