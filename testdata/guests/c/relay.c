// A relay between two connections: a reactor that waits for nothing but poll_oneoff.
//
// relay(conn, cancel, idle_ms) asks its host for the other side, and carries bytes both ways until both sides have
// ended. It stops when there is something to read from the descriptor cancel, or its writer is gone, and when nothing
// has moved for idle_ms milliseconds. All three descriptors are closed at the end. count(i) tells what happened.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wasi/api.h>

// The results; a negative one is an errno.
enum { ENDED = 0, CANCELLED = 1, IDLE = 2 };

// Dials the other side, and returns its descriptor or a negative errno.
__attribute__((import_module("host"), import_name("dial"))) int dial(void);

// One of the two directions. The bytes from start to end are read and not yet written.
struct way {
    int from, to;
    size_t start, end;
    bool over;     // nothing more can be read
    bool finished; // and what was read has been passed on
    long long bytes;
    char buf[65536];
};

static struct way ways[2];
static long long polls;

// Counts: bytes from the connection to the other side, bytes back, waits.
__attribute__((export_name("count"))) long long count(int which) {
    return which < 2 ? ways[which].bytes : polls;
}

static size_t room(const struct way *w) { return sizeof w->buf - w->end; }

// Whether the last call failed only because it would have had to wait.
static bool must_wait(void) { return errno == EAGAIN || errno == EINTR; }

// Writes what is buffered, as far as there is room for it. One side that takes nothing more ends its direction only:
// what it has still to say is passed on. Returns 0 or a negative errno.
static int drain(struct way *w) {
    while (w->start < w->end) {
        ssize_t n = write(w->to, w->buf + w->start, w->end - w->start);
        if (n < 0 && must_wait())
            return 0;
        if (n < 0) {
            w->start = w->end = 0;
            w->over = w->finished = true;
            return -errno;
        }
        w->start += (size_t)n;
        w->bytes += n;
    }
    w->start = w->end = 0;
    if (w->over && !w->finished) {
        w->finished = true;
        // The other side may be gone, and needs no telling then.
        if (shutdown(w->to, SHUT_WR) < 0 && errno != ENOTCONN)
            return -errno;
    }
    return 0;
}

// Reads what there is and passes it on. A short read has emptied the source, so it is not asked again before the next
// wait; a full one may go on a few times, but not for ever, because others want their turn. Returns 0 or a negative
// errno.
static int carry(struct way *w) {
    for (int turns = 0; turns < 8 && !w->over && room(w) > 0; turns++) {
        size_t asked = room(w);
        ssize_t n = read(w->from, w->buf + w->end, asked);
        if (n < 0 && must_wait())
            break;
        if (n < 0)
            return -errno;
        w->end += (size_t)n;
        w->over = n == 0;
        int failed = drain(w);
        if (failed < 0)
            return failed;
        if ((size_t)n < asked)
            break;
    }
    return 0;
}

static __wasi_subscription_t *on(__wasi_subscription_t *s, int type, int fd, unsigned data) {
    memset(s, 0, sizeof *s);
    s->userdata = data;
    s->u.tag = (__wasi_eventtype_t)type;
    s->u.u.fd_read.file_descriptor = fd; // fd_write has the same form
    return s + 1;
}

// What the events are about: a direction, its reading or its writing, or neither.
enum { READ = 0, WRITE = 2, CANCEL = 4, CLOCK = 5 };

static int run(int cancel, int idle_ms) {
    int failed = 0; // of a direction that ended alone
    while (!ways[0].finished || !ways[1].finished) {
        __wasi_subscription_t subs[6], *end = subs;
        __wasi_event_t events[6];
        __wasi_size_t n;
        end = on(end, __WASI_EVENTTYPE_FD_READ, cancel, CANCEL);
        memset(end, 0, sizeof *end);
        end->userdata = CLOCK;
        end->u.tag = __WASI_EVENTTYPE_CLOCK;
        end->u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
        end->u.u.clock.timeout = (__wasi_timestamp_t)idle_ms * 1000000;
        end++;
        // Only what can be used: nothing is read without room, or written without bytes.
        for (unsigned i = 0; i < 2; i++) {
            struct way *w = &ways[i];
            if (!w->over && room(w) > 0)
                end = on(end, __WASI_EVENTTYPE_FD_READ, w->from, READ + i);
            if (w->start < w->end)
                end = on(end, __WASI_EVENTTYPE_FD_WRITE, w->to, WRITE + i);
        }
        polls++;
        __wasi_errno_t error = __wasi_poll_oneoff(subs, events, (size_t)(end - subs), &n);
        if (error == __WASI_ERRNO_INTR)
            continue;
        if (error != 0)
            return -error;
        bool idle = true;
        for (__wasi_size_t i = 0; i < n; i++) {
            unsigned what = (unsigned)events[i].userdata;
            if (what == CLOCK)
                continue;
            if (what == CANCEL)
                return CANCELLED;
            idle = false;
            struct way *w = &ways[what & 1];
            // A hang-up needs nothing of its own: the call itself says what is wrong.
            bool writes = (what & WRITE) != 0;
            int status = writes ? drain(w) : carry(w);
            if (status < 0 && !w->finished)
                return status;
            if (status < 0)
                failed = status;
        }
        if (idle)
            return IDLE;
    }
    return failed;
}

static bool nonblocking(int fd) { return fcntl(fd, F_SETFL, O_NONBLOCK) == 0; }

__attribute__((export_name("relay"))) int relay(int conn, int cancel, int idle_ms) {
    memset(ways, 0, sizeof ways);
    polls = 0;
    int other = dial(), result = other;
    if (other >= 0) {
        ways[0].from = ways[1].to = conn;
        ways[1].from = ways[0].to = other;
        result = nonblocking(conn) && nonblocking(other) ? run(cancel, idle_ms) : -errno;
        close(other);
    }
    close(conn);
    close(cancel);
    return result;
}
