// bcryptprimitives.dll for a Wine that lacks it: the one function that Rust's standard library takes from there.
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG len);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T len) {
  while (len > 0) {
    ULONG part = len > 1 << 20 ? 1 << 20 : (ULONG)len;
    if (!SystemFunction036(buffer, part))
      return FALSE;
    buffer += part;
    len -= part;
  }
  return TRUE;
}
