// What only sockets can do.
static void do_recv(const char *name, size_t n, int flags) { bytes_result(name, recv(FD, room, n, flags), room); }

static void recv_some(void) { do_recv("recv", 4, 0); }
static void recv_all(void) { do_recv("recv", 100, 0); }
static void recv_nothing(void) { do_recv("recv", 0, 0); }
static void recv_peek(void) {
    do_recv("peek", 4, MSG_PEEK);
    do_recv("recv", 100, 0);
}
static void recv_peek_twice(void) {
    do_recv("peek", 4, MSG_PEEK);
    do_recv("again", 100, MSG_PEEK);
}
static void recv_waitall(void) { do_recv("recv", 12, MSG_WAITALL); }
static void recv_waitall_peek(void) { do_recv("recv", 4, MSG_WAITALL | MSG_PEEK); }

static void do_send(const char *s, size_t n) { result("send", send(FD, s, n, 0)); }

static void send_some(void) { do_send("ABCD", 4); }
static void send_nothing(void) { do_send("", 0); }
static void send_much(void) { do_send(fill(), sizeof much); }

static void do_shutdown(const char *name, int how) { result(name, shutdown(FD, how)); }

static void shutdown_read(void) {
    do_shutdown("shutdown", SHUT_RD);
    do_read("read", FD, 100);
    do_write("write", FD, "AB", 2);
}
static void shutdown_write(void) {
    do_shutdown("shutdown", SHUT_WR);
    do_write("write", FD, "AB", 2);
    do_read("read", FD, 100);
}
static void shutdown_both(void) {
    do_shutdown("shutdown", SHUT_RDWR);
    do_write("write", FD, "AB", 2);
    do_read("read", FD, 100);
}
static void shutdown_twice(void) {
    do_shutdown("shutdown", SHUT_WR);
    do_shutdown("again", SHUT_WR);
}
static void shutdown_poll(void) {
    do_shutdown("shutdown", SHUT_RDWR);
    poll_one(POLLIN, FOREVER);
}

static int do_accept(const char *name) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    return (int)result(name, accept(FD, (struct sockaddr *)&address, &size));
}

static void accept_one(void) {
    int fd = do_accept("accept");
    if (fd < 0)
        return;
    put_flags("flags", fd);
    stat_fd("fstat", fd);
    put_flags("listener", FD);
}
static void accept_two(void) {
    do_accept("first");
    do_accept("second");
}
static void accept_nonblock(void) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd = (int)result("accept", accept4(FD, (struct sockaddr *)&address, &size, SOCK_NONBLOCK));
    if (fd < 0)
        return;
    put_flags("flags", fd);
    struct pollfd fds[] = {{fd, POLLIN, 0}};
    do_poll(fds, 1, FOREVER);
    do_read("read", fd, 100);
    do_read("again", fd, 100);
}
static void accept_use(void) {
    int fd = do_accept("accept");
    if (fd < 0)
        return;
    do_write("write", fd, "hello", 5);
    do_read("read", fd, 100);
    result("shutdown", shutdown(fd, SHUT_RDWR));
    result("close", close(fd));
}

static void socket_type(void) {
    int type = 0;
    socklen_t size = sizeof type;
    if (result("type", getsockopt(FD, SOL_SOCKET, SO_TYPE, &type, &size)) < 0)
        return;
    put_name("is");
    put(type == SOCK_STREAM ? "stream" : type == SOCK_DGRAM ? "datagram" : "another");
}
