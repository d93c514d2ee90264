package ffi

/*
#include <wasmtime/ext.h>

// What the headers say, as against what the library says.
enum { ffi_header_abi = WASMTIME_EXT_ABI };
*/
import "C"

import "fmt"

// bindingABI is the number of the interface that this package is written for.
const bindingABI = 8

// LibraryVersion returns the release of Wasmtime that is linked in, such as "48.0.8".
func LibraryVersion() string { return C.GoString(C.wasmtime_ext_wasmtime_version()) }

// CheckVersion tells whether binding, headers and library are of one version. It says which of them is not.
func CheckVersion() error {
	library := int(C.wasmtime_ext_abi())
	return compareVersions(bindingABI, int(C.ffi_header_abi), library)
}

func compareVersions(binding, headers, library int) error {
	if headers == binding && library == binding {
		return nil
	}
	return fmt.Errorf("wasmtime: the Go package is written for interface %d of the native library, but the headers in "+
		"include/ have %d and the linked libwasmtime has %d; use all three of one release (go clean -cache helps after "+
		"a replaced library; for a library of your own see ci/local)", binding, headers, library)
}
