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
