// sha256(n): the SHA-256 digest of n blocks of 64 bytes. Rotations, additions and table look-ups in 32 bits.
#include "kernels.h"

static u32 k[64];

// The round constants are the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
static void constants(void) {
    for (u32 found = 0, p = 2; found < 64; p++) {
        u32 prime = 1;
        for (u32 d = 2; d * d <= p; d++)
            if (p % d == 0)
                prime = 0;
        if (!prime)
            continue;
        // Newton's method; doubles hold 53 bits, the whole part of the root has at most three.
        double r = 7;
        for (int i = 0; i < 40; i++)
            r = (2 * r + (double)p / (r * r)) / 3;
        k[found++] = (u32)((r - (double)(u32)r) * 4294967296.0);
    }
}

static inline u32 rotr(u32 x, int by) { return x >> by | x << (32 - by); }

static void block(u32 h[8], const u8 *data) {
    u32 w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (u32)data[4 * i] << 24 | (u32)data[4 * i + 1] << 16 | (u32)data[4 * i + 2] << 8 | data[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        u32 a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + w[i - 7] + (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
    }
    for (int i = 0; i < 8; i++)
        v[i] = h[i];
    for (int i = 0; i < 64; i++) {
        u32 e = v[4], a = v[0];
        u32 t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
        u32 t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        for (int j = 7; j > 0; j--)
            v[j] = v[j - 1];
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

KERNEL(sha256) {
    static u8 data[64];
    u32 h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    constants();
    for (u32 i = 0; i < n; i++) {
        for (int j = 0; j < 64; j++)
            data[j] = (u8)(i + (u32)j);
        block(h, data);
    }
    // The padding block: one bit, zeros, and the length in bits.
    u64 bits = (u64)n * 512, sum = 0;
    for (int j = 0; j < 56; j++)
        data[j] = j == 0 ? 0x80 : 0;
    for (int j = 0; j < 8; j++)
        data[56 + j] = (u8)(bits >> (56 - 8 * j));
    block(h, data);
    for (int i = 0; i < 2; i++)
        sum = sum << 32 | h[i];
    return sum; // the first eight bytes of the digest, as a big-endian number
}
