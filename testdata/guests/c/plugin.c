// The plugin of examples/plugin in C: a reactor. What it has in common with those in Go and Rust:
//
// - alloc(n) is where the host puts n bytes, which are the argument of the next call;
// - every other function takes the address and the length of its argument, and returns those of its answer as
//   address<<32 | length, good until the next call.
#define _GNU_SOURCE // asprintf
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

// Asks the host for the value of a setting, and returns how many bytes of it are in the buffer.
__attribute__((import_module("host"), import_name("setting")))
uint32_t setting(const char *name, uint32_t name_len, char *buffer, uint32_t room);

static char *argument, *answer;

char *EXPORT(alloc)(uint32_t n) {
    if (!(argument = realloc(argument, n + 1)))
        abort();
    return argument;
}

static uint64_t reply(char *bytes, uint32_t n) {
    free(answer);
    answer = bytes;
    return (uint64_t)(uintptr_t)bytes << 32 | n;
}

uint64_t EXPORT(greet)(const char *name, uint32_t n) {
    char greeting[64], *text = NULL;
    uint32_t len = setting("greeting", 8, greeting, sizeof greeting);
    int written = asprintf(&text, "%.*s, %.*s! This is C.", (int)len, greeting, (int)n, name);
    return reply(text, written < 0 ? 0 : (uint32_t)written);
}

uint64_t EXPORT(reverse)(const char *data, uint32_t n) {
    char *reversed = malloc(n + 1);
    if (!reversed)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        reversed[i] = data[n - 1 - i];
    return reply(reversed, n);
}
