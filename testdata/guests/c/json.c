// json(n): writes a document of nested arrays and objects once, then parses it n times by recursive descent and
// folds all strings, numbers and shapes into the result. Bytes, switches and calls.
#include "kernels.h"

#define SIZE 32768

static char text[SIZE];
static u32 len;

static void put(char c) { text[len++] = c; }

static void put_number(u32 v) {
    char digits[10];
    int count = 0;
    do
        digits[count++] = (char)('0' + v % 10);
    while (v /= 10);
    while (count > 0)
        put(digits[--count]);
}

static void put_string(u32 *seed, u32 count) {
    put('"');
    for (u32 i = 0; i < count; i++) {
        u32 r = next(seed) % 64;
        if (r == 0)
            put('\\'), put('n');
        else
            put((char)('0' + r));
        if (text[len - 1] == '\\' || text[len - 1] == '"')
            text[len - 1] = '_';
    }
    put('"');
}

static void put_value(u32 *seed, int depth) {
    u32 r = next(seed) % (depth > 0 ? 8 : 4), count;
    switch (r) {
    case 0: put_number(next(seed)); break;
    case 1: put_string(seed, 4 + next(seed) % 24); break;
    case 2: put('t'), put('r'), put('u'), put('e'); break;
    case 3: put('n'), put('u'), put('l'), put('l'); break;
    default:
        count = 2 + next(seed) % 5;
        put(r & 1 ? '[' : '{');
        for (u32 i = 0; i < count; i++) {
            if (i > 0)
                put(','), put(' ');
            if (!(r & 1))
                put_string(seed, 3 + next(seed) % 8), put(':');
            put_value(seed, depth - 1);
        }
        put(r & 1 ? ']' : '}');
    }
}

static u32 at;
static u64 sum;

static void space(void) {
    while (text[at] == ' ' || text[at] == '\n')
        at++;
}

static int string(void) {
    for (at++; text[at] != '"'; at++) {
        if (at >= len)
            return 0;
        sum = fold(sum, text[at] == '\\' ? (u8)text[++at] + 256u : (u8)text[at]);
    }
    at++;
    return 1;
}

static int word(const char *w) {
    for (; *w; w++)
        if (text[at++] != *w)
            return 0;
    return 1;
}

static int value(void) {
    space();
    char open = text[at];
    switch (open) {
    case '"': return string();
    case 't': return word("true");
    case 'n': return word("null");
    case '[':
    case '{':
        sum = fold(sum, (u8)open);
        at++;
        for (;;) {
            space();
            if (open == '{') {
                if (text[at] != '"' || !string() || text[at++] != ':')
                    return 0;
            }
            if (!value())
                return 0;
            space();
            if (text[at] == ',') {
                at++;
                continue;
            }
            return text[at++] == (open == '[' ? ']' : '}');
        }
    default:
        if (open < '0' || open > '9')
            return 0;
        u64 v = 0;
        while (text[at] >= '0' && text[at] <= '9')
            v = v * 10 + (u64)(text[at++] - '0');
        sum = fold(sum, v);
        return 1;
    }
}

KERNEL(json) {
    u32 seed = 521288629u;
    len = 0;
    put('[');
    while (len < SIZE / 2) {
        u32 mark = len, before = seed;
        if (len > 1)
            put(',');
        put_value(&seed, 3);
        if (len > SIZE - SIZE / 4) { // too long: take it back, try the next
            len = mark;
            seed = before ^ next(&seed);
        }
    }
    put(']');
    put(0);
    sum = 0;
    for (u32 i = 0; i < n; i++) {
        at = 0;
        if (!value())
            return 0;
    }
    return sum;
}
