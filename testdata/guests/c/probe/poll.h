// Waiting for descriptors.
enum { NOW = 0, SOON = 20, FOREVER = -1 };

static void put_events(const char *name, short events) {
    static const struct {
        short bit;
        const char *name;
    } names[] = {{POLLIN, "in"}, {POLLOUT, "out"}, {POLLERR, "err"}, {POLLHUP, "hup"}, {POLLNVAL, "nval"}};
    put_name(name);
    const char *between = "";
    for (int i = 0; i < 5; i++)
        if (events & names[i].bit) {
            put(between);
            put(names[i].name);
            between = "+";
        }
    if (!*between)
        put("none");
}

static void do_poll(struct pollfd *fds, nfds_t count, int time) {
    static const char *const names[] = {"revents", "revents1", "revents2"};
    if (result("poll", poll(fds, count, time)) >= 0)
        for (nfds_t i = 0; i < count; i++)
            put_events(names[i], fds[i].revents);
}

static void poll_one(short events, int time) {
    struct pollfd fds[] = {{FD, events, 0}};
    do_poll(fds, 1, time);
}

static void poll_two(int other, int time) {
    struct pollfd fds[] = {{other, POLLIN, 0}, {FD, POLLIN | POLLOUT, 0}};
    do_poll(fds, 2, time);
}

static void poll_in(void) { poll_one(POLLIN, NOW); }
static void poll_out(void) { poll_one(POLLOUT, NOW); }
static void poll_in_out(void) { poll_one(POLLIN | POLLOUT, NOW); }
static void poll_in_time(void) { poll_one(POLLIN, SOON); }
static void poll_out_time(void) { poll_one(POLLOUT, SOON); }
static void poll_in_forever(void) { poll_one(POLLIN, FOREVER); }
static void poll_out_forever(void) { poll_one(POLLOUT, FOREVER); }
static void poll_in_out_forever(void) { poll_one(POLLIN | POLLOUT, FOREVER); }
static void poll_quiet(void) { poll_two(QUIET_FD, SOON); }
static void poll_quiet_forever(void) { poll_two(QUIET_FD, FOREVER); }
static void poll_ready(void) { poll_two(NULL_FD, FOREVER); }
static void poll_closed(void) { poll_two(CLOSED_FD, FOREVER); }
static void poll_same(void) {
    struct pollfd fds[] = {{FD, POLLIN, 0}, {FD, POLLOUT, 0}, {FD, POLLIN | POLLOUT, 0}};
    do_poll(fds, 3, NOW);
}
static void poll_negative(void) {
    struct pollfd fds[] = {{-1, POLLIN, 0}, {FD, POLLIN | POLLOUT, 0}};
    do_poll(fds, 2, NOW);
}
static void poll_time(void) {
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    do_poll(NULL, 0, SOON);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long long passed = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
    number("waited", passed >= SOON * 1000000LL);
}
static void poll_after_close(void) {
    close_once();
    poll_one(POLLIN | POLLOUT, FOREVER);
}
static void poll_read(void) {
    poll_one(POLLIN, FOREVER);
    do_read("read", FD, 4);
}
static void poll_write(void) {
    poll_one(POLLOUT, FOREVER);
    do_write("write", FD, "ABCD", 4);
}

static void do_available(const char *name) {
    int n = 0;
    if (result(name, ioctl(FD, FIONREAD, &n)) == 0)
        number("bytes", n);
}
static void available(void) { do_available("available"); }
static void available_rest(void) {
    do_read("read", FD, 2);
    do_available("available");
}
