//! The system as components see it, through upstream's implementation of WASI 0.2.

use crate::guest::{Guest, failure, ok, string};
use crate::system::{Said, Shared, no_system, options, system};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use wasmtime::component::{Component, Linker, Resource};
use wasmtime_c_api::WasmtimeStoreData;
use wasmtime_ext::*;
use wasmtime_wasi::cli::WasiCliView;
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p2::bindings::cli::environment::Host as _;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::insecure::Host as _;
use wasmtime_wasi::p2::bindings::random::insecure_seed::Host as _;
use wasmtime_wasi::p2::bindings::random::random::Host as _;
use wasmtime_wasi::p2::bindings::sockets::instance_network::Host as _;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::Host as _;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket as _;
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as _;
use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host as _;
use wasmtime_wasi::p2::{SocketError, TcpSocket};
use wasmtime_wasi::random::WasiRandomView;
use wasmtime_wasi::runtime::in_tokio;
use wasmtime_wasi::sockets::WasiSocketsView;

/// A component that passes two functions of WASI 0.2 on.
const COMPONENT: &str = r#"(component
    (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock (export "now" (func (result u64)))))
    (import "wasi:random/random@0.2.6" (instance $random (export "get-random-u64" (func (result u64)))))
    (core func $now (canon lower (func $clock "now")))
    (core func $u64 (canon lower (func $random "get-random-u64")))
    (core module $m
        (import "" "now" (func $now (result i64)))
        (import "" "u64" (func $u64 (result i64)))
        (func (export "now") (result i64) (call $now))
        (func (export "u64") (result i64) (call $u64)))
    (core instance $i (instantiate $m
        (with "" (instance (export "now" (func $now)) (export "u64" (func $u64))))))
    (func (export "now") (result u64) (canon lift (core func $i "now")))
    (func (export "u64") (result u64) (canon lift (core func $i "u64"))))"#;

#[test]
fn a_component_sees_the_clock_and_the_bytes() {
    let said = Shared::new(Said { seconds: 3, nanoseconds: 4, ..Said::default() });
    let mut guest = Guest::with(&options(&system(&said)));
    let mut context = guest.context();
    let engine = context.engine().clone();
    let mut linker = Linker::<WasmtimeStoreData>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    let component = Component::new(&engine, COMPONENT).unwrap();
    let instance = linker.instantiate(&mut context, &component).unwrap();
    let mut call = |name: &str| {
        let function = instance.get_typed_func::<(), (u64,)>(&mut context, name).unwrap();
        function.call(&mut context, ()).unwrap().0
    };
    assert_eq!(call("now"), 3_000_000_004);
    assert_eq!(call("u64"), 0x0706_0504_0302_0100);
    assert_eq!(call("u64"), 0x0f0e_0d0c_0b0a_0908);

    // A failure stops the clock, and the host's generator stands in for the source. The first one is told.
    said.lock().unwrap().fails = true;
    assert_eq!(call("now"), 3_000_000_004);
    assert_ne!(call("u64"), call("u64"));
    // SAFETY: the store is live.
    unsafe {
        let error = failure(wasmtime_context_take_wasi_failure(guest.context()));
        assert!(error.1.contains("the clock has stopped"), "{}", error.1);
        ok(wasmtime_context_take_wasi_failure(guest.context()));
    }
}

#[test]
fn every_part_reaches_components() {
    let said = Shared::new(Said { seconds: 3, nanoseconds: 4, ..Said::default() });
    let all = wasmtime_wasi_system_t {
        monotonic_clock_resolution: 9,
        has_insecure_random_seed: true,
        insecure_random_seed: [1, 2],
        has_max_random_size: true,
        max_random_size: 10,
        has_initial_dir: true,
        initial_dir: string("/home/guest"),
        ..system(&said)
    };
    let mut guest = Guest::with(&options(&all));
    let mut context = guest.context();
    let data = context.data_mut();
    let time = wall_clock::Host::now(&mut data.clocks()).unwrap();
    assert_eq!((time.seconds, time.nanoseconds), (3, 4));
    let time = wall_clock::Host::resolution(&mut data.clocks()).unwrap();
    assert_eq!((time.seconds, time.nanoseconds), (1, 7));
    assert_eq!(monotonic_clock::Host::now(&mut data.clocks()).unwrap(), 3_000_000_004);
    assert_eq!(monotonic_clock::Host::resolution(&mut data.clocks()).unwrap(), 9);
    assert_eq!(data.random().get_random_bytes(10).unwrap().len(), 10);
    assert!(data.random().get_random_bytes(11).is_err());
    assert_eq!(data.random().get_insecure_random_u64().unwrap() & 0xff, 40, "the same source");
    assert_eq!(data.random().insecure_seed().unwrap(), (1, 2));
    assert_eq!(data.cli().initial_cwd().unwrap().as_deref(), Some("/home/guest"));

    let mut guest = Guest::with(&options(&no_system()));
    let mut context = guest.context();
    assert_eq!(context.data_mut().cli().initial_cwd().unwrap(), None);
}

/// The code that a call of sockets failed with.
fn code<T>(result: Result<T, SocketError>) -> Result<T, ErrorCode> {
    result.map_err(|error| error.downcast().unwrap())
}

fn tcp(data: &mut WasmtimeStoreData) -> Result<Resource<TcpSocket>, ErrorCode> {
    code(data.sockets().create_tcp_socket(IpAddressFamily::Ipv4))
}

fn bind(data: &mut WasmtimeStoreData, addr: SocketAddr) -> Result<(), ErrorCode> {
    let socket = tcp(data)?;
    let network = data.sockets().instance_network().unwrap();
    code(in_tokio(data.sockets().start_bind(socket, network, addr.into())))
}

fn connect(data: &mut WasmtimeStoreData, addr: SocketAddr) -> Result<(), ErrorCode> {
    let socket = tcp(data)?;
    let (network, socket_id) = (data.sockets().instance_network().unwrap(), socket.rep());
    code(data.sockets().start_connect(socket, network, addr.into()))?;
    loop {
        match code(data.sockets().finish_connect(Resource::new_borrow(socket_id))) {
            Err(ErrorCode::WouldBlock) => std::thread::yield_now(),
            other => return other.map(|_| ()),
        }
    }
}

fn lookup(data: &mut WasmtimeStoreData) -> Result<(), ErrorCode> {
    let network = data.sockets().instance_network().unwrap();
    code(data.sockets().resolve_addresses(network, "127.0.0.1".to_owned())).map(|_| ())
}

#[test]
fn the_network_is_closed_by_default() {
    let mut guest = Guest::with(&options(&no_system()));
    let mut context = guest.context();
    let data = context.data_mut();
    assert!(matches!(tcp(data), Err(ErrorCode::AccessDenied)));
    let udp = in_tokio(data.sockets().create_udp_socket(IpAddressFamily::Ipv4));
    assert!(matches!(code(udp), Err(ErrorCode::AccessDenied)));
    assert!(matches!(lookup(data), Err(ErrorCode::PermanentResolverFailure)));
}

#[test]
fn switches_open_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let open = wasmtime_wasi_system_t { allow_tcp: true, allow_udp: true, allow_ip_name_lookup: true, ..no_system() };
    let mut guest = Guest::with(&options(&open));
    let mut context = guest.context();
    let data = context.data_mut();
    code(in_tokio(data.sockets().create_udp_socket(IpAddressFamily::Ipv4))).unwrap();
    lookup(data).unwrap();
    assert!(matches!(bind(data, free), Err(ErrorCode::AccessDenied)), "no address is allowed");
    assert!(matches!(connect(data, addr), Err(ErrorCode::AccessDenied)));

    let all = wasmtime_wasi_system_t { inherit_network: true, ..open };
    let mut guest = Guest::with(&options(&all));
    let mut context = guest.context();
    bind(context.data_mut(), free).unwrap();
    connect(context.data_mut(), addr).unwrap();
}

#[test]
fn a_check_decides() {
    let said = Shared::default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let checked = wasmtime_wasi_system_t { allow_tcp: true, inherit_network: true, ..system(&said) };
    let mut guest = Guest::with(&options(&checked));
    let mut context = guest.context();
    let data = context.data_mut();
    connect(data, addr).unwrap();
    let seen = std::mem::take(&mut said.lock().unwrap().addresses);
    let bound = ("0.0.0.0:0".to_owned(), WASMTIME_WASI_SOCKET_TCP_BIND);
    assert_eq!(seen, [bound.clone(), (addr.to_string(), WASMTIME_WASI_SOCKET_TCP_CONNECT)]);
    let _: (TcpStream, _) = listener.accept().unwrap();

    said.lock().unwrap().refused = vec![WASMTIME_WASI_SOCKET_TCP_CONNECT];
    assert!(matches!(connect(data, addr), Err(ErrorCode::AccessDenied)));
    bind(data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    said.lock().unwrap().refused = vec![WASMTIME_WASI_SOCKET_TCP_BIND];
    assert!(matches!(bind(data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), Err(ErrorCode::AccessDenied)));

    // A check that fails refuses, whatever it says besides.
    *said.lock().unwrap() = Said { fails: true, ..Said::default() };
    assert!(matches!(connect(data, addr), Err(ErrorCode::AccessDenied)));
    assert_eq!(said.lock().unwrap().addresses, [bound]);
    // SAFETY: the store is live.
    let error = failure(unsafe { wasmtime_context_take_wasi_failure(context) });
    assert!(error.1.contains("the check has failed"), "{}", error.1);
}

#[test]
fn sockets_go_with_their_configuration() {
    let said = Shared::default();
    let checked = wasmtime_wasi_system_t { allow_tcp: true, ..system(&said) };
    let mut guest = Guest::with(&options(&checked));
    tcp(guest.context().data_mut()).unwrap();
    // SAFETY: the options are of this process.
    ok(unsafe { wasmtime_context_set_wasi_options(guest.context(), &options(&no_system())) });
    assert_eq!(said.lock().unwrap().gone, 1, "nobody holds the check any more");
}
