// Go calls C on RISC-V with a stack that is aligned to 8 bytes only. C's calling convention says 16, and Wasmtime relies on
// that when it walks the stack of a guest. So the functions that run guests have their stack aligned here; aligned.h puts
// these in their place. Their arguments are in registers, and stay there.

	.macro aligned name
	.globl	ffi_aligned_\name
	.type	ffi_aligned_\name, @function
ffi_aligned_\name:
	.cfi_startproc
	addi	sp, sp, -16
	sd	ra, 8(sp)
	sd	s0, 0(sp)
	addi	s0, sp, 16
	.cfi_def_cfa s0, 0
	.cfi_offset ra, -8
	.cfi_offset s0, -16
	andi	sp, sp, -16
	call	\name
	addi	sp, s0, -16
	ld	ra, 8(sp)
	ld	s0, 0(sp)
	addi	sp, sp, 16
	ret
	.cfi_endproc
	.size	ffi_aligned_\name, .-ffi_aligned_\name
	.endm

	.text
	aligned	wasmtime_binding_call
	aligned	wasmtime_binding_call_checked
	aligned	wasmtime_binding_component_call
	aligned	wasmtime_binding_component_instantiate
	aligned	wasmtime_binding_component_resource_drop
	aligned	wasmtime_binding_instance_new
	aligned	wasmtime_binding_linker_instantiate
	aligned	wasmtime_binding_linker_module
	aligned	wasmtime_binding_pre_instantiate

	.section .note.GNU-stack, "", @progbits
