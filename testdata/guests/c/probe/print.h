// What every operation uses: the includes, the buffer for the line, and the names of errors.
#ifndef __wasi__
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#ifdef __wasi__
#include <wasi/libc.h>
#else
#include <signal.h>
#endif

#ifdef ADAPTED // a component, which is given its standard streams and then other descriptors
static int FD;
enum { NULL_FD = 3, QUIET_FD = 4, CLOSED_FD = 99, OUTPUT_FD = STDERR_FILENO };
#else
enum { FD = 10, NULL_FD = 11, QUIET_FD = 12, CLOSED_FD = 99, OUTPUT_FD = STDOUT_FILENO };
#endif

static char line[16384];
static size_t used;

static void put(const char *s) {
    while (*s && used < sizeof line)
        line[used++] = *s++;
}

static void put_number(long long n) {
    char digits[24], *at = digits + sizeof digits;
    unsigned long long left = n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n;
    *--at = 0;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (n < 0)
        *--at = '-';
    put(at);
}

// Bytes, with everything that is not printable as a dot.
static void put_bytes(const char *s, long n) {
    for (long i = 0; i < n && used < sizeof line; i++)
        line[used++] = s[i] > ' ' && s[i] < 127 ? s[i] : '.';
}

static int flush(void) {
    for (size_t done = 0; done < used;) {
        ssize_t n = write(OUTPUT_FD, line + done, used - done);
        if (n < 0)
            return 1;
        done += (size_t)n;
    }
    return 0;
}

static const char *error_name(int error) {
    switch (error) {
#define E(name) case name: return #name;
    E(EACCES) E(EAGAIN) E(EBADF) E(ECONNABORTED) E(ECONNRESET) E(EDESTADDRREQ) E(EEXIST) E(EFAULT) E(EFBIG) E(EILSEQ)
    E(EINTR) E(EINVAL) E(EIO) E(EISCONN) E(EISDIR) E(ELOOP) E(EMFILE) E(ENAMETOOLONG) E(ENODEV) E(ENOENT) E(ENOMEM)
    E(ENOPROTOOPT) E(ENOSPC) E(ENOSYS) E(ENOTCONN) E(ENOTDIR) E(ENOTEMPTY) E(ENOTSOCK) E(ENOTSUP) E(ENOTTY) E(ENXIO)
    E(EOVERFLOW) E(EPERM) E(EPIPE) E(EPROTO) E(EROFS) E(ESPIPE) E(ETIMEDOUT) E(ETXTBSY) E(EXDEV)
#ifdef ENOTCAPABLE
    E(ENOTCAPABLE)
#endif
#undef E
    }
    return "another";
}

static void put_name(const char *name) {
    if (used)
        put(" ");
    put(name);
    put("=");
}

static void number(const char *name, long long n) {
    put_name(name);
    put_number(n);
}

// The result of a call that says -1 and sets errno.
static long long result(const char *name, long long n) {
    int error = errno;
    put_name(name);
    if (n < 0)
        put(error_name(error));
    else
        put_number(n);
    return n;
}

// The result of a call that says which error it is.
static void error_result(const char *name, int error) {
    put_name(name);
    put(error ? error_name(error) : "0");
}

// The result of a call that fills a buffer.
static void bytes_result(const char *name, long long n, const char *bytes) {
    if (result(name, n) > 0) {
        put(":");
        put_bytes(bytes, n < 200 ? (long)n : 200);
    }
}
