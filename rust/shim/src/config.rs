//! Settings that the C API lacks.

use crate::cast;
use wasmtime_c_api::wasm_config_t;

/// Enables or disables the extended-const proposal. The counterpart of `wasmtime::Config::wasm_extended_const`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_config_wasm_extended_const_set(config: &mut wasm_config_t, enable: bool) {
    cast::config(config).wasm_extended_const(enable);
}

/// Enables or disables lists of a fixed length in components. The counterpart of
/// `wasmtime::Config::wasm_component_model_fixed_length_lists`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_config_wasm_component_model_fixed_length_lists_set(
    config: &mut wasm_config_t,
    enable: bool,
) {
    cast::config(config).wasm_component_model_fixed_length_lists(enable);
}

/// Enables or disables names of imports and exports with the interface that they implement. The counterpart of
/// `wasmtime::Config::wasm_component_model_implements`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_config_wasm_component_model_implements_set(config: &mut wasm_config_t, enable: bool) {
    cast::config(config).wasm_component_model_implements(enable);
}

/// Enables or disables 64-bit memories in components. The counterpart of
/// `wasmtime::Config::wasm_component_model_memory64`.
///
/// Upstream passes values through such memories from component to component only: between a component and the host it
/// takes each pointer for 32 bits and checks nothing. So `wasmtime_binding_component_linker_instantiate_pre` and
/// `wasmtime_binding_component_instance_func` refuse functions that need it, which the official API does not.
#[unsafe(no_mangle)]
pub extern "C" fn wasmtime_config_wasm_component_model_memory64_set(config: &mut wasm_config_t, enable: bool) {
    cast::config(config).wasm_component_model_memory64(enable);
}
