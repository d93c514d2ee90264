// What the kernels share: the export attribute, a random number generator, and a way to fold results into one number
// that the host compares, so that no compiler may drop the work and no engine may get it wrong.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define KERNEL(name) __attribute__((export_name(#name))) u64 name(u32 n)

static inline u32 next(u32 *state) {
    u32 x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline u64 fold(u64 sum, u64 v) { return (sum ^ v) * 0x100000001b3ull; }
