//! All functions and resources of WASI 0.2, and their definition in a linker.

use super::bytes::Given;
use super::enter::Wasi;
use crate::cast::component_linker;
use crate::component::define_at;
use crate::error::{code_of, wasmtime_error_code_t};
use crate::guard::guard;
use crate::wasi::find::silence_probe;
use std::fmt::Write;
use wasmtime::component::{LinkerInstance, Resource, ResourceAny, ResourceType};
use wasmtime::{AsContextMut, Result, StoreContextMut};
use wasmtime_c_api::{WasmtimeStoreData as Data, wasm_byte_vec_t, wasmtime_component_linker_t, wasmtime_error_t};
use wasmtime_wasi::p2::bindings::cli::{terminal_input::TerminalInput, terminal_output::TerminalOutput};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DirectoryEntryStream, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::ResolveAddressStream;
use wasmtime_wasi::p2::bindings::sockets::network::{IpAddressFamily, IpSocketAddress, Network};
use wasmtime_wasi::p2::bindings::sockets::tcp::{ShutdownType, TcpSocket};
use wasmtime_wasi::p2::bindings::sockets::udp::{
    IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream, UdpSocket,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, IoError};

/// Everything that there is: `interface { "name" => kind method(parameters); }`. A kind is `value` for a function with
/// a result, `nothing` for one without, `resource` for a resource, whose method drops it.
macro_rules! all {
    ($use:ident $($args:ident)*) => {
        $use! { $($args)*;
            "wasi:cli/environment" {
                "get-environment" => value get_environment();
                "get-arguments" => value get_arguments();
                "initial-cwd" => value initial_cwd();
            }
            "wasi:cli/exit" {
                "exit" => nothing exit(status: std::result::Result<(), ()>);
                "exit-with-code" => nothing exit_with_code(code: u8);
            }
            "wasi:cli/stdin" { "get-stdin" => value get_stdin(); }
            "wasi:cli/stdout" { "get-stdout" => value get_stdout(); }
            "wasi:cli/stderr" { "get-stderr" => value get_stderr(); }
            "wasi:cli/terminal-input" { "terminal-input" => resource drop_terminal_input(this: TerminalInput); }
            "wasi:cli/terminal-output" { "terminal-output" => resource drop_terminal_output(this: TerminalOutput); }
            "wasi:cli/terminal-stdin" { "get-terminal-stdin" => value get_terminal_stdin(); }
            "wasi:cli/terminal-stdout" { "get-terminal-stdout" => value get_terminal_stdout(); }
            "wasi:cli/terminal-stderr" { "get-terminal-stderr" => value get_terminal_stderr(); }
            "wasi:clocks/monotonic-clock" {
                "now" => value monotonic_now();
                "resolution" => value monotonic_resolution();
                "subscribe-instant" => value subscribe_instant(when: u64);
                "subscribe-duration" => value subscribe_duration(when: u64);
            }
            "wasi:clocks/wall-clock" {
                "now" => value wall_now();
                "resolution" => value wall_resolution();
            }
            "wasi:random/random" {
                "get-random-bytes" => value get_random_bytes(len: u64);
                "get-random-u64" => value get_random_u64();
            }
            "wasi:random/insecure" {
                "get-insecure-random-bytes" => value get_insecure_random_bytes(len: u64);
                "get-insecure-random-u64" => value get_insecure_random_u64();
            }
            "wasi:random/insecure-seed" { "insecure-seed" => value insecure_seed(); }
            "wasi:io/error" {
                "error" => resource drop_error(this: IoError);
                "[method]error.to-debug-string" => value error_text(this: Resource<IoError>);
            }
            "wasi:io/poll" {
                "pollable" => resource drop_pollable(this: DynPollable);
                "[method]pollable.ready" => value pollable_ready(this: Resource<DynPollable>);
                "[method]pollable.block" => nothing pollable_block(this: Resource<DynPollable>);
                "poll" => value poll(all: Vec<Resource<DynPollable>>);
            }
            "wasi:io/streams" {
                "input-stream" => resource drop_input(this: DynInputStream);
                "[method]input-stream.read" => value input_read(this: Resource<DynInputStream>, len: u64);
                "[method]input-stream.blocking-read" =>
                    value input_blocking_read(this: Resource<DynInputStream>, len: u64);
                "[method]input-stream.skip" => value input_skip(this: Resource<DynInputStream>, len: u64);
                "[method]input-stream.blocking-skip" =>
                    value input_blocking_skip(this: Resource<DynInputStream>, len: u64);
                "[method]input-stream.subscribe" => value input_subscribe(this: Resource<DynInputStream>);
                "output-stream" => resource drop_output(this: DynOutputStream);
                "[method]output-stream.check-write" => value output_check_write(this: Resource<DynOutputStream>);
                "[method]output-stream.write" =>
                    value output_write(this: Resource<DynOutputStream>, contents: Given);
                "[method]output-stream.blocking-write-and-flush" =>
                    value output_blocking_write(this: Resource<DynOutputStream>, contents: Given);
                "[method]output-stream.flush" => value output_flush(this: Resource<DynOutputStream>);
                "[method]output-stream.blocking-flush" => value output_blocking_flush(this: Resource<DynOutputStream>);
                "[method]output-stream.subscribe" => value output_subscribe(this: Resource<DynOutputStream>);
                "[method]output-stream.write-zeroes" =>
                    value output_write_zeroes(this: Resource<DynOutputStream>, len: u64);
                "[method]output-stream.blocking-write-zeroes-and-flush" =>
                    value output_blocking_write_zeroes(this: Resource<DynOutputStream>, len: u64);
                "[method]output-stream.splice" =>
                    value output_splice(this: Resource<DynOutputStream>, from: Resource<DynInputStream>, len: u64);
                "[method]output-stream.blocking-splice" => value output_blocking_splice(
                    this: Resource<DynOutputStream>, from: Resource<DynInputStream>, len: u64
                );
            }
            "wasi:filesystem/preopens" { "get-directories" => value get_directories(); }
            "wasi:filesystem/types" {
                "filesystem-error-code" => value filesystem_error_code(error: Resource<IoError>);
                "directory-entry-stream" => resource drop_entries(this: DirectoryEntryStream);
                "[method]directory-entry-stream.read-directory-entry" =>
                    value read_directory_entry(this: Resource<DirectoryEntryStream>);
                "descriptor" => resource drop_descriptor(this: Descriptor);
                "[method]descriptor.read-via-stream" =>
                    value read_via_stream(this: Resource<Descriptor>, offset: u64);
                "[method]descriptor.write-via-stream" =>
                    value write_via_stream(this: Resource<Descriptor>, offset: u64);
                "[method]descriptor.append-via-stream" => value append_via_stream(this: Resource<Descriptor>);
                "[method]descriptor.advise" =>
                    value advise(this: Resource<Descriptor>, offset: u64, len: u64, advice: Advice);
                "[method]descriptor.sync-data" => value sync_data(this: Resource<Descriptor>);
                "[method]descriptor.get-flags" => value get_flags(this: Resource<Descriptor>);
                "[method]descriptor.get-type" => value get_type(this: Resource<Descriptor>);
                "[method]descriptor.set-size" => value set_size(this: Resource<Descriptor>, size: u64);
                "[method]descriptor.set-times" =>
                    value set_times(this: Resource<Descriptor>, atim: NewTimestamp, mtim: NewTimestamp);
                "[method]descriptor.read" => value read(this: Resource<Descriptor>, len: u64, offset: u64);
                "[method]descriptor.write" => value write(this: Resource<Descriptor>, bytes: Given, offset: u64);
                "[method]descriptor.read-directory" => value read_directory(this: Resource<Descriptor>);
                "[method]descriptor.sync" => value sync(this: Resource<Descriptor>);
                "[method]descriptor.create-directory-at" =>
                    value create_directory_at(this: Resource<Descriptor>, path: String);
                "[method]descriptor.stat" => value stat(this: Resource<Descriptor>);
                "[method]descriptor.stat-at" => value stat_at(this: Resource<Descriptor>, flags: PathFlags, path: String);
                "[method]descriptor.set-times-at" => value set_times_at(
                    this: Resource<Descriptor>, flags: PathFlags, path: String, atim: NewTimestamp, mtim: NewTimestamp
                );
                "[method]descriptor.link-at" => value link_at(
                    this: Resource<Descriptor>, flags: PathFlags, path: String, to: Resource<Descriptor>, to_path: String
                );
                "[method]descriptor.open-at" => value open_at(
                    this: Resource<Descriptor>, follow: PathFlags, path: String, how: OpenFlags, flags: DescriptorFlags
                );
                "[method]descriptor.readlink-at" => value readlink_at(this: Resource<Descriptor>, path: String);
                "[method]descriptor.remove-directory-at" =>
                    value remove_directory_at(this: Resource<Descriptor>, path: String);
                "[method]descriptor.rename-at" =>
                    value rename_at(this: Resource<Descriptor>, path: String, to: Resource<Descriptor>, to_path: String);
                "[method]descriptor.symlink-at" =>
                    value symlink_at(this: Resource<Descriptor>, target: String, path: String);
                "[method]descriptor.unlink-file-at" => value unlink_file_at(this: Resource<Descriptor>, path: String);
                "[method]descriptor.is-same-object" =>
                    value is_same_object(this: Resource<Descriptor>, other: Resource<Descriptor>);
                "[method]descriptor.metadata-hash" => value metadata_hash(this: Resource<Descriptor>);
                "[method]descriptor.metadata-hash-at" =>
                    value metadata_hash_at(this: Resource<Descriptor>, flags: PathFlags, path: String);
            }
            "wasi:sockets/network" {
                "network" => resource drop_network(this: Network);
                "network-error-code" => value network_error_code(error: Resource<IoError>);
            }
            "wasi:sockets/instance-network" { "instance-network" => value instance_network(); }
            "wasi:sockets/ip-name-lookup" {
                "resolve-address-stream" => resource drop_lookup(this: ResolveAddressStream);
                "[method]resolve-address-stream.resolve-next-address" =>
                    value lookup_next(this: Resource<ResolveAddressStream>);
                "[method]resolve-address-stream.subscribe" =>
                    value lookup_subscribe(this: Resource<ResolveAddressStream>);
                "resolve-addresses" => value lookup(network: Resource<Network>, name: String);
            }
            "wasi:sockets/tcp-create-socket" { "create-tcp-socket" => value tcp_create(family: IpAddressFamily); }
            "wasi:sockets/tcp" {
                "tcp-socket" => resource drop_tcp(this: TcpSocket);
                "[method]tcp-socket.start-bind" =>
                    value tcp_start_bind(this: Resource<TcpSocket>, network: Resource<Network>, at: IpSocketAddress);
                "[method]tcp-socket.finish-bind" => value tcp_finish_bind(this: Resource<TcpSocket>);
                "[method]tcp-socket.start-connect" =>
                    value tcp_start_connect(this: Resource<TcpSocket>, network: Resource<Network>, to: IpSocketAddress);
                "[method]tcp-socket.finish-connect" => value tcp_finish_connect(this: Resource<TcpSocket>);
                "[method]tcp-socket.start-listen" => value tcp_start_listen(this: Resource<TcpSocket>);
                "[method]tcp-socket.finish-listen" => value tcp_finish_listen(this: Resource<TcpSocket>);
                "[method]tcp-socket.accept" => value tcp_accept(this: Resource<TcpSocket>);
                "[method]tcp-socket.local-address" => value tcp_local_address(this: Resource<TcpSocket>);
                "[method]tcp-socket.remote-address" => value tcp_remote_address(this: Resource<TcpSocket>);
                "[method]tcp-socket.is-listening" => value tcp_is_listening(this: Resource<TcpSocket>);
                "[method]tcp-socket.address-family" => value tcp_address_family(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-listen-backlog-size" =>
                    value tcp_set_listen_backlog_size(this: Resource<TcpSocket>, to: u64);
                "[method]tcp-socket.keep-alive-enabled" => value tcp_keep_alive_enabled(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-keep-alive-enabled" =>
                    value tcp_set_keep_alive_enabled(this: Resource<TcpSocket>, to: bool);
                "[method]tcp-socket.keep-alive-idle-time" => value tcp_keep_alive_idle_time(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-keep-alive-idle-time" =>
                    value tcp_set_keep_alive_idle_time(this: Resource<TcpSocket>, to: u64);
                "[method]tcp-socket.keep-alive-interval" => value tcp_keep_alive_interval(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-keep-alive-interval" =>
                    value tcp_set_keep_alive_interval(this: Resource<TcpSocket>, to: u64);
                "[method]tcp-socket.keep-alive-count" => value tcp_keep_alive_count(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-keep-alive-count" =>
                    value tcp_set_keep_alive_count(this: Resource<TcpSocket>, to: u32);
                "[method]tcp-socket.hop-limit" => value tcp_hop_limit(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-hop-limit" => value tcp_set_hop_limit(this: Resource<TcpSocket>, to: u8);
                "[method]tcp-socket.receive-buffer-size" => value tcp_receive_buffer_size(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-receive-buffer-size" =>
                    value tcp_set_receive_buffer_size(this: Resource<TcpSocket>, to: u64);
                "[method]tcp-socket.send-buffer-size" => value tcp_send_buffer_size(this: Resource<TcpSocket>);
                "[method]tcp-socket.set-send-buffer-size" =>
                    value tcp_set_send_buffer_size(this: Resource<TcpSocket>, to: u64);
                "[method]tcp-socket.subscribe" => value tcp_subscribe(this: Resource<TcpSocket>);
                "[method]tcp-socket.shutdown" => value tcp_shutdown(this: Resource<TcpSocket>, how: ShutdownType);
            }
            "wasi:sockets/udp-create-socket" { "create-udp-socket" => value udp_create(family: IpAddressFamily); }
            "wasi:sockets/udp" {
                "udp-socket" => resource drop_udp(this: UdpSocket);
                "[method]udp-socket.start-bind" =>
                    value udp_start_bind(this: Resource<UdpSocket>, network: Resource<Network>, at: IpSocketAddress);
                "[method]udp-socket.finish-bind" => value udp_finish_bind(this: Resource<UdpSocket>);
                "[method]udp-socket.stream" =>
                    value udp_stream(this: Resource<UdpSocket>, peer: Option<IpSocketAddress>);
                "[method]udp-socket.local-address" => value udp_local_address(this: Resource<UdpSocket>);
                "[method]udp-socket.remote-address" => value udp_remote_address(this: Resource<UdpSocket>);
                "[method]udp-socket.address-family" => value udp_address_family(this: Resource<UdpSocket>);
                "[method]udp-socket.unicast-hop-limit" => value udp_unicast_hop_limit(this: Resource<UdpSocket>);
                "[method]udp-socket.set-unicast-hop-limit" =>
                    value udp_set_unicast_hop_limit(this: Resource<UdpSocket>, to: u8);
                "[method]udp-socket.receive-buffer-size" => value udp_receive_buffer_size(this: Resource<UdpSocket>);
                "[method]udp-socket.set-receive-buffer-size" =>
                    value udp_set_receive_buffer_size(this: Resource<UdpSocket>, to: u64);
                "[method]udp-socket.send-buffer-size" => value udp_send_buffer_size(this: Resource<UdpSocket>);
                "[method]udp-socket.set-send-buffer-size" =>
                    value udp_set_send_buffer_size(this: Resource<UdpSocket>, to: u64);
                "[method]udp-socket.subscribe" => value udp_subscribe(this: Resource<UdpSocket>);
                "incoming-datagram-stream" => resource drop_incoming(this: IncomingDatagramStream);
                "[method]incoming-datagram-stream.receive" =>
                    value receive(this: Resource<IncomingDatagramStream>, most: u64);
                "[method]incoming-datagram-stream.subscribe" =>
                    value incoming_subscribe(this: Resource<IncomingDatagramStream>);
                "outgoing-datagram-stream" => resource drop_outgoing(this: OutgoingDatagramStream);
                "[method]outgoing-datagram-stream.check-send" =>
                    value check_send(this: Resource<OutgoingDatagramStream>);
                "[method]outgoing-datagram-stream.send" =>
                    value send(this: Resource<OutgoingDatagramStream>, datagrams: Vec<OutgoingDatagram>);
                "[method]outgoing-datagram-stream.subscribe" =>
                    value outgoing_subscribe(this: Resource<OutgoingDatagramStream>);
            }
        }
    };
}

/// Defines the one item that is meant, if there is such an item.
macro_rules! define {
    ($to:ident $interface:ident $name:ident; $($in:literal {
        $($item:literal => $kind:ident $method:ident($($arg:ident: $ty:ty),*);)*
    })*) => {
        match ($interface, $name) {
            $($(($in, $item) => one!($kind $to $name $method($($arg: $ty),*)),)*)*
            _ => return Ok(false),
        }
    };
}

macro_rules! one {
    (value $to:ident $name:ident $method:ident($($arg:ident: $ty:ty),*)) => {
        $to.func_wrap($name, |cx: StoreContextMut<'_, Data>, ($($arg,)*): ($($ty,)*)| {
            Wasi::enter(cx, |wasi| wasi.$method($($arg),*)).map(|value| (value,))
        })
    };
    (nothing $to:ident $name:ident $method:ident($($arg:ident: $ty:ty),*)) => {
        $to.func_wrap($name, |cx: StoreContextMut<'_, Data>, ($($arg,)*): ($($ty,)*)| {
            Wasi::enter(cx, |wasi| wasi.$method($($arg),*))
        })
    };
    (resource $to:ident $name:ident $method:ident($arg:ident: $ty:ty)) => {
        $to.resource($name, ResourceType::host::<$ty>(), |cx, number| Wasi::enter(cx, |wasi| wasi.$method(number)))
    };
}

/// Finds the resource that is meant, and how it is dropped.
macro_rules! drop_of {
    ($wanted:ident; $($in:literal {
        $($item:literal => $kind:ident $method:ident($($arg:ident: $ty:ty),*);)*
    })*) => {
        $($(if_resource!($kind $wanted $method($($arg: $ty),*));)*)*
    };
}

macro_rules! if_resource {
    (resource $wanted:ident $method:ident($arg:ident: $ty:ty)) => {
        if $wanted == ResourceType::host::<$ty>() {
            return Some(|mut cx, resource| {
                let number = resource.try_into_resource::<$ty>(&mut cx)?.rep();
                match Wasi::enter(cx.as_context_mut(), |wasi| wasi.$method(number)) {
                    Err(error) if code_of(&error) == wasmtime_error_code_t::WASMTIME_ERROR_HAS_CHILDREN => {
                        let stays = ResourceAny::try_from_resource(Resource::<$ty>::new_own(number), cx)?;
                        Ok(Some((stays, number)))
                    }
                    dropped => dropped.map(|()| None),
                }
            });
        }
    };
    ($kind:ident $wanted:ident $method:ident($($arg:ident: $ty:ty),*)) => {};
}

/// Lists all items.
macro_rules! list {
    (; $($in:literal { $($item:literal => $kind:ident $method:ident($($arg:ident: $ty:ty),*);)* })*) => {
        &[$(($in, &[$(($item, is_resource!($kind))),*])),*]
    };
}

macro_rules! is_resource {
    (resource) => {
        true
    };
    ($kind:ident) => {
        false
    };
}

/// The items of an interface, and which of them are resources.
type Items = (&'static str, &'static [(&'static str, bool)]);

/// All interfaces.
pub(super) const INTERFACES: &[Items] = all!(list);

/// Defines an item of an interface in an instance. False if there is no such item.
fn define(to: &mut LinkerInstance<'_, Data>, interface: &str, name: &str) -> Result<bool> {
    let defined = all!(define to interface name);
    defined.map(|()| true)
}

/// How a resource that is owned is dropped.
type Dropper = fn(StoreContextMut<'_, Data>, ResourceAny) -> Result<Stays>;

/// Nothing if a resource was dropped. One that has children stays: as it is from now on, with its number in the table.
pub(crate) type Stays = Option<(ResourceAny, u32)>;

/// How a resource of WASI is dropped; nothing for any other.
pub(super) fn drop_of(wanted: ResourceType) -> Option<Dropper> {
    all!(drop_of wanted);
    None
}

/// Lists the interfaces of WASI 0.2: lines of a `+`, which stands before an item that can only be had on demand, or a
/// space, an interface without its version, a space, `r` for a resource or `f` for a function, a space, and its name in
/// WIT. The list is written to `*out`, which the caller owns.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_binding_component_wasi_items(out: &mut wasm_byte_vec_t) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        let mut text = String::new();
        for (interface, items) in INTERFACES {
            for (name, resource) in *items {
                let unstable = if *name == UNSTABLE { '+' } else { ' ' };
                let kind = if *resource { 'r' } else { 'f' };
                writeln!(text, "{unstable}{interface} {kind} {name}")?;
            }
        }
        out.set_buffer(text.into_bytes());
        Ok(())
    })
}

/// The version of the interfaces' WIT. A component that asks for any other version 0.2 finds it.
const VERSION: &str = "0.2.12";

/// Defines WASI 0.2 in a linker, all but what is unstable, for components in stores that are configured by
/// `wasmtime_context_set_wasi_options`. What was inserted into the store is there: descriptors 0, 1 and 2 are the
/// standard streams, and the directories that have a name are preopened. A component in a store that was not configured
/// at all fails with an error whose code is `WASMTIME_ERROR_NO_WASI` when it calls a function of WASI.
///
/// It is in place of `wasmtime_component_linker_add_wasip2`, whose functions know nothing of what was inserted.
///
/// Returns null, or an error that the caller owns when something of this name is defined already and shadowing is not
/// allowed.
///
/// # Safety
///
/// `linker` must point to a live linker that nobody else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_component_linker_define_wasi_p2(
    linker: &mut wasmtime_component_linker_t,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        silence_probe();
        let linker = component_linker(linker);
        for (interface, items) in INTERFACES {
            let mut to = linker.instance(&format!("{interface}@{VERSION}"))?;
            for (name, _) in items.iter().filter(|(name, _)| *name != UNSTABLE) {
                define(&mut to, interface, name)?;
            }
        }
        Ok(())
    })
}

/// What can only be had on demand.
const UNSTABLE: &str = "network-error-code";

/// Defines a function or a resource of WASI 0.2 in a linker, for stores that are configured as for WASI 0.1
/// (`wasmtime_context_set_wasi_options`). Whoever calls it in any other store ends with `WASMTIME_ERROR_NO_WASI`.
///
/// `path` is the name of the instance, which is that of an interface with a version, such as
/// `wasi:cli/stdin@0.2.0`, and the name of the item, encoded as for `wasmtime_binding_component_linker_define_func`.
/// Any version 0.2 will do: nothing was ever taken out. `*found` tells whether there is such an item.
///
/// # Safety
///
/// `path` must be valid for `path_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_binding_component_linker_define_wasi(
    linker: &mut wasmtime_component_linker_t,
    path: *const u8,
    path_len: usize,
    found: &mut bool,
) -> Option<Box<wasmtime_error_t>> {
    guard(|| {
        silence_probe();
        *found = false;
        // SAFETY: the caller vouches for the path.
        unsafe {
            define_at(component_linker(linker), path, path_len, |instances, to, name| {
                let [instance] = instances else { return Ok(()) };
                let (interface, version) = instance.split_once('@').unwrap_or((instance, ""));
                if version.starts_with("0.2.") {
                    *found = define(to, interface, name)?;
                }
                Ok(())
            })
        }
    })
}
