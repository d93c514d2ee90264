// Guests run on the stacks of the threads that Go makes, which are as large as the program's header says. This asks the
// linker for larger ones. It is address space, not memory.

#define _WIN32_WINNT 0x0A00
#include <windows.h>

#include "stack.h"

#undef TEXT
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

// What FFI_THREAD_STACK is, as a number that the assembler takes.
#define THREAD_STACK 37748736
_Static_assert(THREAD_STACK == FFI_THREAD_STACK, "the linker is told of another size");

// The linkers of GNU and of LLVM want it written differently.
#ifdef __clang__
#define STACK_OPTION " -stack:"
#else
#define STACK_OPTION " -stack "
#endif
// GNU ld reads the number until something else follows, beyond the end of the section if need be: hence the last space.
__asm__(".section .drectve,\"yn\"\n\t.ascii \"" STACK_OPTION TEXT(THREAD_STACK) " \"\n\t.text");

// The program may have been linked otherwise, or be one in another language that has loaded this as a library.
size_t ffi_thread_stack(void) {
  const char *image = (const char *)GetModuleHandleW(NULL);
  if (image == NULL)
    return 0;
  const IMAGE_NT_HEADERS *header = (const IMAGE_NT_HEADERS *)(image + ((const IMAGE_DOS_HEADER *)image)->e_lfanew);
  return header->OptionalHeader.SizeOfStackReserve;
}

// At the end of a stack are guard pages, and Go keeps away from the lowest 16 KiB.
#define GUARD ((size_t)32 << 10)

size_t ffi_stack_left(void) {
  ULONG_PTR low, high, here = (ULONG_PTR)__builtin_frame_address(0);
  GetCurrentThreadStackLimits(&low, &high); // it reads two words of the thread
  if (here < low || here >= high)
    return SIZE_MAX;
  return here - low > GUARD ? here - low - GUARD : 0;
}

bool ffi_has_room(size_t room) { return ffi_stack_left() >= room; }

// It has as much as the others.
bool ffi_on_main_thread(void) { return false; }
