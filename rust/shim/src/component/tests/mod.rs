//! Calls of components through the C functions, as a binding makes them.

mod describe;
mod echo;
mod hostile;
mod load;
mod resources;
mod values;
mod wide;

use super::*;
use crate::engine::{wasmtime_binding_engine_new, wasmtime_binding_engine_t};
use crate::error::{code_of, wasmtime_error_code_t};
use crate::store::{
    wasmtime_binding_store_delete, wasmtime_binding_store_make, wasmtime_binding_store_new, wasmtime_binding_store_t,
};
use crate::{cast, wasmtime_config_wasm_component_model_fixed_length_lists_set};
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use wasmtime::component::Instance;
use wasmtime::{Config, Error};
use wasmtime_c_api::{
    wasm_config_t, wasmtime_component_linker_new, wasmtime_component_linker_t, wasmtime_component_t, wasmtime_error_t,
};

/// A failure, with the code that a binding sees; none for a trap.
type Outcome<T> = Result<T, (Option<wasmtime_error_code_t>, String)>;

fn code<T: std::fmt::Debug>(outcome: Outcome<T>) -> Option<wasmtime_error_code_t> {
    outcome.expect_err("a failure").0
}

fn told(error: &Error) -> String {
    format!("{error:#}")
}

fn failed(error: Option<Box<wasmtime_error_t>>) -> Outcome<()> {
    match error {
        None => Ok(()),
        Some(error) => {
            let error = cast::error(&error);
            Err((Some(code_of(error)), told(error)))
        }
    }
}

/// An engine with a linker and a store.
struct Host {
    engine: *mut wasmtime_binding_engine_t,
    linker: Box<wasmtime_component_linker_t>,
    store: *mut wasmtime_binding_store_t,
    _epoch: Box<u64>,
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: both are this test's own.
        unsafe {
            wasmtime_binding_store_delete(self.store);
            drop(Box::from_raw(self.engine));
        }
    }
}

impl Host {
    fn new() -> Host {
        Host::with(|config| {
            config.concurrency_support(false);
        })
    }

    fn with(configure: impl FnOnce(&mut Config)) -> Host {
        // SAFETY: the wrapper is its only field, as `cast.rs` says.
        let mut wrapped = unsafe { std::mem::transmute::<Config, wasm_config_t>(Config::new()) };
        let config = cast::config(&mut wrapped);
        config.wasm_component_model_map(true);
        configure(config);
        wasmtime_config_wasm_component_model_fixed_length_lists_set(&mut wrapped, true);
        let mut engine = ptr::null_mut();
        let mut epoch = Box::new(0);
        // SAFETY: all pointers are valid.
        unsafe {
            failed(wasmtime_binding_engine_new(Some(Box::new(wrapped)), &mut engine)).unwrap();
            let linker = wasmtime_component_linker_new(&(*engine).engine);
            let store = wasmtime_binding_store_new();
            let setup = &mut (*store).setup;
            (setup.engine, setup.data, setup.memory_epoch) = (engine, DATA as *mut c_void, &mut *epoch);
            failed(wasmtime_binding_store_make(store)).unwrap();
            Host { engine, linker, store, _epoch: epoch }
        }
    }

    /// The engine, as the official API has it.
    fn engine(&self) -> &wasmtime_c_api::wasm_engine_t {
        // SAFETY: the engine is there as long as this.
        unsafe { &(*self.engine).engine }
    }

    fn compile(&self, wat: &str) -> Outcome<Box<wasmtime_component_t>> {
        let mut component = ptr::null_mut();
        // SAFETY: the text is valid.
        unsafe {
            failed(wasmtime_binding_component_new(self.engine(), wat.as_ptr(), wat.len(), &mut component))?;
            Ok(Box::from_raw(component))
        }
    }

    /// Defines a function that `serve` serves: it gets the arguments and returns the results.
    fn define(&mut self, path: &[&str], serve: impl Fn(&mut Served<'_>) -> Outcome<Vec<u8>> + 'static) {
        let path = path_bytes(path);
        let host = wasmtime_binding_component_host_t { callback, finalizer: Some(gone) };
        let env = box_env(serve);
        // SAFETY: the path is valid.
        let defined = unsafe {
            wasmtime_binding_component_linker_define_func(&mut self.linker, path.as_ptr(), path.len(), &host, env)
        };
        failed(defined).unwrap();
    }

    /// Defines a resource whose destructor is `serve`.
    fn define_resource(&mut self, path: &[&str], number: u32, serve: impl Fn(u32) + 'static) {
        let path = path_bytes(path);
        let host = wasmtime_binding_component_host_t { callback, finalizer: Some(gone) };
        let env = box_env(move |served: &mut Served<'_>| {
            serve(u32::from_le_bytes(served.message().try_into().unwrap()));
            Ok(Vec::new())
        });
        // SAFETY: the path is valid.
        let defined = unsafe {
            wasmtime_binding_component_linker_define_resource(
                &mut self.linker,
                path.as_ptr(),
                path.len(),
                number,
                &host,
                env,
            )
        };
        failed(defined).unwrap();
    }

    fn link(&self, component: &wasmtime_component_t) -> Outcome<Box<wasmtime_binding_component_pre_t>> {
        let mut pre = ptr::null_mut();
        failed(wasmtime_binding_component_linker_instantiate_pre(&self.linker, component, &mut pre))?;
        // SAFETY: it was just made.
        Ok(unsafe { Box::from_raw(pre) })
    }

    fn instantiate(&self, wat: &str) -> Outcome<Instance> {
        let component = self.compile(wat)?;
        self.instance(&*self.link(&component)?)
    }

    fn instance(&self, pre: &wasmtime_binding_component_pre_t) -> Outcome<Instance> {
        // SAFETY: the store is this test's own.
        unsafe {
            let call = &raw mut (*self.store).call;
            wasmtime_binding_component_instantiate(pre, call);
            outcome(&mut (*call).error, &mut (*call).trap)?;
            Ok((*call).slots.cast::<Instance>().read())
        }
    }

    fn find(&self, instance: &Instance, path: &[&str]) -> Outcome<Option<Box<wasmtime_binding_component_func_t>>> {
        let path = path_bytes(path);
        let mut func = ptr::null_mut();
        // SAFETY: all pointers are valid.
        unsafe {
            let context = cast::store(&mut (*crate::store::Whole::of(self.store)).store).into();
            let error =
                wasmtime_binding_component_instance_func(context, instance, path.as_ptr(), path.len(), &mut func);
            failed(error)?;
            Ok((!func.is_null()).then(|| Box::from_raw(func)))
        }
    }

    fn func(&self, instance: &Instance, path: &[&str]) -> Box<wasmtime_binding_component_func_t> {
        self.find(instance, path).unwrap().expect("the function")
    }

    fn call(&self, func: &wasmtime_binding_component_func_t, message: &[u8]) -> Outcome<Vec<u8>> {
        // SAFETY: the store is this test's own.
        unsafe { call(&raw mut (*self.store).component, func, message, &[]) }
    }

    fn drop_handle(&self, handle: u32) -> Outcome<()> {
        // SAFETY: the store is this test's own.
        unsafe { drop_handle(&raw mut (*self.store).component, handle) }
    }

    /// The number of handles, and how many there may be.
    fn handles(&self) -> (usize, usize) {
        let (mut count, mut limit) = (0, 0);
        // SAFETY: the store is this test's own.
        unsafe { wasmtime_binding_component_handles(self.store, &mut count, &mut limit) };
        (count, limit)
    }
}

/// What the stores of tests are made with.
const DATA: usize = 0x5eed;

unsafe fn call(
    frame: *mut wasmtime_binding_component_call_t,
    func: &wasmtime_binding_component_func_t,
    message: &[u8],
    segments: &[&[u8]],
) -> Outcome<Vec<u8>> {
    let segment = |bytes: &&[u8]| wasmtime_binding_component_segment_t { ptr: bytes.as_ptr(), len: bytes.len() };
    let segments: Vec<_> = segments.iter().map(segment).collect();
    // SAFETY: the caller vouches for the frame.
    unsafe {
        assert!(wasmtime_binding_component_call_grow(frame, message.len()));
        if !message.is_empty() {
            (*frame).message.copy_from_nonoverlapping(message.as_ptr(), message.len());
        }
        (*frame).len = message.len();
        (*frame).func = func;
        (*frame).segments = segments.as_ptr();
        (*frame).nsegments = segments.len();
        let failed = wasmtime_binding_component_call(frame);
        let outcome = outcome(&mut (*frame).error, &mut (*frame).trap);
        assert_eq!(failed != 0, outcome.is_err());
        outcome?;
        assert_eq!((*frame).results.addr() % 16, 0);
        Ok(cast::slice((*frame).results, (*frame).results_len).to_vec())
    }
}

unsafe fn drop_handle(frame: *mut wasmtime_binding_component_call_t, handle: u32) -> Outcome<()> {
    // SAFETY: the caller vouches for the frame.
    unsafe {
        wasmtime_binding_component_resource_drop(frame, handle);
        outcome(&mut (*frame).error, &mut (*frame).trap)
    }
}

/// Takes the outcome out of a frame.
fn outcome(error: &mut *mut wasmtime_error_t, trap: &mut *mut wasmtime_c_api::wasm_trap_t) -> Outcome<()> {
    let (error, trap) = (std::mem::replace(error, ptr::null_mut()), std::mem::replace(trap, ptr::null_mut()));
    // SAFETY: a frame owns what it points at.
    unsafe {
        if !trap.is_null() {
            return Err((None, told(&cast::unwrap_trap(*Box::from_raw(trap)))));
        }
        if !error.is_null() {
            return failed(Some(Box::from_raw(error)));
        }
    }
    Ok(())
}

/// A call of a host function.
struct Served<'a>(&'a mut wasmtime_binding_component_hostcall_t);

impl Served<'_> {
    fn message(&self) -> &[u8] {
        // SAFETY: the arguments are there.
        unsafe { cast::slice(self.0.message, self.0.len) }
    }
}

type Serve = Box<dyn Fn(&mut Served<'_>) -> Outcome<Vec<u8>>>;

fn box_env(serve: impl Fn(&mut Served<'_>) -> Outcome<Vec<u8>> + 'static) -> u64 {
    let serve: Box<Serve> = Box::new(Box::new(serve));
    Box::into_raw(serve).expose_provenance() as u64
}

extern "C" fn gone(env: u64) {
    // SAFETY: `box_env` has made it, and this is called once.
    drop(unsafe { Box::from_raw(ptr::with_exposed_provenance_mut::<Serve>(env as usize)) });
}

extern "C" fn callback(call: *mut wasmtime_binding_component_hostcall_t) {
    // SAFETY: the shim calls it with a valid call.
    let call = unsafe { &mut *call };
    assert_eq!(call.data.addr(), DATA);
    assert_eq!(call.message.addr() % 16, 0);
    assert!(call.capacity >= 256);
    // SAFETY: the function has not been finalized.
    let serve = unsafe { &*ptr::with_exposed_provenance::<Serve>(call.env as usize) };
    let outcome = serve(&mut Served(call));
    match outcome {
        Ok(results) => {
            // SAFETY: it is the call's memory.
            unsafe {
                assert!(wasmtime_binding_component_hostcall_grow(call, results.len()));
                call.message.copy_from_nonoverlapping(results.as_ptr(), results.len());
            }
            call.len = results.len();
        }
        Err((_, text)) => call.trap = Some(Box::new(cast::wrap_trap(Error::msg(text)))),
    }
}

fn path_bytes(path: &[&str]) -> Vec<u8> {
    path.iter().flat_map(|name| (name.len() as u32).to_le_bytes().into_iter().chain(name.bytes())).collect()
}
