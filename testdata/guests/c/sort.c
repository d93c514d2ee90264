// sort(n): fills a table with n random numbers (at most 65,536) and sorts it with a heap. Loads, stores and branches
// that nothing can predict.
#include "kernels.h"

#define MAX 65536

static u32 table[MAX];

static void sift(u32 root, u32 len) {
    u32 v = table[root];
    for (u32 child; (child = 2 * root + 1) < len; root = child) {
        if (child + 1 < len && table[child + 1] > table[child])
            child++;
        if (table[child] <= v)
            break;
        table[root] = table[child];
    }
    table[root] = v;
}

KERNEL(sort) {
    u32 seed = 88172645u, len = n < MAX ? n : MAX;
    u64 sum = 0;
    for (u32 i = 0; i < len; i++)
        table[i] = next(&seed);
    for (u32 i = len / 2; i-- > 0;)
        sift(i, len);
    for (u32 end = len; end > 1;) {
        end--;
        u32 v = table[0];
        table[0] = table[end];
        table[end] = v;
        sift(0, end);
    }
    for (u32 i = 1; i < len; i++) {
        if (table[i - 1] > table[i])
            return 0;
        sum = fold(sum, table[i]);
    }
    return sum;
}
