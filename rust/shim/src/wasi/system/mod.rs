//! What the system is for a guest besides its files: clocks, random numbers, the network, the initial directory.
//!
//! A part that is not set is the host's own, as upstream's builder has it by default. A part that is set goes into that
//! builder, so that components see it, too; the functions of WASI 0.1 ask it directly, because they can fail where
//! upstream's traits cannot.

mod clock;
mod network;
mod random;

pub use clock::*;
pub use network::*;
pub use random::*;

use super::find::existing;
use super::options::{bad_argument, utf8, wasmtime_wasi_string_t};
use crate::guard::guard;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_error_t};
use wasmtime_wasi::WasiCtxBuilder;

/// Tells that none of the callbacks that got this `env` will be called again.
pub type wasmtime_wasi_gone_callback_t = extern "C" fn(env: u64);

/// What the system is for a guest, part by part. All zero is a valid one, in which each part is the host's own, and the
/// network is closed.
///
/// The callbacks get `env`. They must not use the store, nor unwind or jump out of the call, and they may be called
/// by several threads at once if `env` is given to several stores. The clocks and the random sources are called in
/// the middle of a guest's call, on its thread. A guest cannot be stopped while it waits for a callback.
///
/// A callback that fails ends a guest of WASI 0.1: its error comes out of the call into the guest. A component goes
/// on, because upstream's implementation knows no failure there: with the time of the clock's last answer, with
/// random bytes of the host, without the address. `wasmtime_context_take_wasi_failure` tells of it afterwards.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wasmtime_wasi_system_t {
    /// What the callbacks are given.
    pub env: u64,
    /// Hears once that the callbacks are not needed any more, if and only if the configuration succeeds: when the
    /// store is deleted or configured anew, and no operation of a component is left. It may be called on any thread.
    /// May be null.
    pub gone: Option<wasmtime_wasi_gone_callback_t>,
    /// The wall clock: `now` counts from 1970-01-01 00:00 UTC. Null is the host's. See `WasiCtxBuilder::wall_clock`.
    pub wall_clock: Option<wasmtime_wasi_clock_callback_t>,
    /// What that clock has for its resolution, in nanoseconds; 0 is taken as 1.
    pub wall_clock_resolution: u64,
    /// The monotonic clock: `now` counts from any point, and never falls. Null is the host's. See
    /// `WasiCtxBuilder::monotonic_clock`.
    pub monotonic_clock: Option<wasmtime_wasi_clock_callback_t>,
    /// What that clock has for its resolution, in nanoseconds; 0 is taken as 1.
    pub monotonic_clock_resolution: u64,
    /// Where random bytes come from. Null is the host's generator. A guest may rely on their being unpredictable. See
    /// `WasiCtxBuilder::secure_random`.
    pub secure_random: Option<wasmtime_wasi_random_callback_t>,
    /// Where the random bytes of `wasi:random/insecure` come from, which only components have. Null is a generator of
    /// the host. See `WasiCtxBuilder::insecure_random`.
    pub insecure_random: Option<wasmtime_wasi_random_callback_t>,
    /// Whether `insecure_random_seed` is set; otherwise the seed is a random one.
    pub has_insecure_random_seed: bool,
    /// What `wasi:random/insecure-seed` gives to components: the low half, then the high half. See
    /// `WasiCtxBuilder::insecure_random_seed`.
    pub insecure_random_seed: [u64; 2],
    /// Whether `max_random_size` is set; otherwise it is 64 MiB.
    pub has_max_random_size: bool,
    /// The most random bytes that a guest gets in one call; asking for more is a trap. See
    /// `WasiCtxBuilder::max_random_size`.
    pub max_random_size: u64,
    /// Whether `initial_dir` is set.
    pub has_initial_dir: bool,
    /// The current directory that a component starts in, UTF-8. WASI 0.1 has none. See `WasiCtxBuilder::initial_cwd`.
    pub initial_dir: wasmtime_wasi_string_t,
    /// Whether components may have TCP sockets. See `WasiCtxBuilder::allow_tcp`.
    pub allow_tcp: bool,
    /// Whether components may have UDP sockets. See `WasiCtxBuilder::allow_udp`.
    pub allow_udp: bool,
    /// Whether components may look names up. See `WasiCtxBuilder::allow_ip_name_lookup`.
    pub allow_ip_name_lookup: bool,
    /// Whether sockets of components may use all addresses; otherwise none. See `WasiCtxBuilder::inherit_network`.
    pub inherit_network: bool,
    /// Decides on each address, in place of `inherit_network`. May be null. See `WasiCtxBuilder::socket_addr_check`.
    pub socket_addr_check: Option<wasmtime_wasi_socket_addr_check_callback_t>,
}

/// Takes the first failure of a callback of `wasmtime_wasi_system_t` that no guest could be told of: one for a
/// component.
///
/// Returns null if there was none since the last time, or the error, which the caller owns.
///
/// # Safety
///
/// `context` must be live and not in use by another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmtime_context_take_wasi_failure(
    context: WasmtimeStoreContextMut<'_>,
) -> Option<Box<wasmtime_error_t>> {
    guard(move || {
        let system = existing(context).and_then(|state| state.system.as_ref());
        match system.and_then(|system| system.take_failure()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    })
}

impl wasmtime_wasi_system_t {
    /// The most random bytes that a guest gets in one call.
    pub(super) fn most_random(&self) -> u64 {
        if self.has_max_random_size { self.max_random_size } else { wasmtime_wasi::random::DEFAULT_MAX_SIZE }
    }
}

/// The callbacks of one store. Whoever holds it may call them; the last one to drop it says that they are gone.
pub(super) struct System {
    env: u64,
    gone: Option<wasmtime_wasi_gone_callback_t>,
    wall_clock: Option<clock::Clock>,
    monotonic_clock: Option<clock::Clock>,
    secure_random: Option<wasmtime_wasi_random_callback_t>,
    insecure_random: Option<wasmtime_wasi_random_callback_t>,
    /// Whether the store has got it, and the end has to be told.
    placed: AtomicBool,
    /// The first failure that no guest could be told of.
    failure: Mutex<Option<wasmtime::Error>>,
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(gone) = self.gone
            && *self.placed.get_mut()
        {
            gone(self.env);
        }
    }
}

impl System {
    /// Says that the store has got it.
    pub(super) fn place(&self) {
        self.placed.store(true, Ordering::Relaxed);
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<wasmtime::Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first failure that no guest has been told of, if there is one.
    pub(super) fn take_failure(&self) -> Option<wasmtime::Error> {
        self.failure().take()
    }

    /// Keeps a failure, unless there is one.
    #[cold]
    fn keep(&self, error: wasmtime::Error) {
        self.failure().get_or_insert(error);
    }
}

/// Makes the parts that are set those of `builder`. Returns the callbacks if there are any, and what the network is.
///
/// # Safety
///
/// The pointers in `system` must be good.
pub(super) unsafe fn apply(
    system: &wasmtime_wasi_system_t,
    builder: &mut WasiCtxBuilder,
) -> wasmtime::Result<(Option<Arc<System>>, Network)> {
    if system.has_initial_dir {
        // SAFETY: as the caller promises.
        builder.initial_cwd(unsafe { utf8(system.initial_dir, "initial_dir") }?);
    }
    if system.has_insecure_random_seed {
        let [low, high] = system.insecure_random_seed;
        builder.insecure_random_seed(u128::from(high) << 64 | u128::from(low));
    }
    if system.has_max_random_size {
        builder.max_random_size(system.max_random_size);
    }
    builder.allow_udp(system.allow_udp);
    builder.allow_ip_name_lookup(system.allow_ip_name_lookup);
    let any = system.wall_clock.is_some()
        || system.monotonic_clock.is_some()
        || system.secure_random.is_some()
        || system.insecure_random.is_some()
        || system.socket_addr_check.is_some();
    if !any && system.gone.is_none() {
        let network = Network::new(system, None);
        network.apply(builder);
        return Ok((None, network));
    }
    let clock = |now: Option<_>, resolution: u64| {
        now.map(|now| clock::Clock { now, resolution: Duration::from_nanos(resolution.max(1)) })
    };
    let shared = Arc::new(System {
        env: system.env,
        gone: system.gone,
        wall_clock: clock(system.wall_clock, system.wall_clock_resolution),
        monotonic_clock: clock(system.monotonic_clock, system.monotonic_clock_resolution),
        secure_random: system.secure_random,
        insecure_random: system.insecure_random,
        placed: AtomicBool::new(false),
        failure: Mutex::new(None),
    });
    clock::apply(&shared, builder);
    random::apply(&shared, system, builder);
    let network = Network::new(system, Some(&shared));
    network.apply(builder);
    Ok((Some(shared), network))
}
