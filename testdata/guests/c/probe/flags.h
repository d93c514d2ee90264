// The flags of the descriptor, its end and its number.
static void put_flags(const char *name, int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1) {
        result(name, -1);
        return;
    }
    put_name(name);
    switch (flags & O_ACCMODE) {
    case O_RDONLY: put("read"); break;
    case O_WRONLY: put("write"); break;
    case O_RDWR: put("both"); break;
    default: put("neither"); break;
    }
    if (flags & O_APPEND)
        put("+append");
    if (flags & O_NONBLOCK)
        put("+nonblock");
}

static void set_flags(int flags) {
    result("set", fcntl(FD, F_SETFL, flags));
    put_flags("flags", FD);
}

static void flags_get(void) { put_flags("flags", FD); }
static void flags_nonblock(void) { set_flags(O_NONBLOCK); }
static void flags_append(void) { set_flags(O_APPEND); }
static void flags_both(void) { set_flags(O_APPEND | O_NONBLOCK); }
static void flags_none(void) { set_flags(0); }
static void flags_nonblock_off_read(void) {
    set_flags(O_NONBLOCK);
    set_flags(0);
    do_read("read", FD, 4);
}

static void terminal(void) {
    errno = 0;
    number("isatty", isatty(FD));
}

static void close_once(void) { result("close", close(FD)); }
static void close_twice(void) {
    close_once();
    result("again", close(FD));
}
static void close_read(void) {
    close_once();
    do_read("read", FD, 4);
    do_write("write", FD, "A", 1);
    stat_fd("fstat", FD);
    result("seek", lseek(FD, 0, SEEK_CUR));
}

// Gives a descriptor the number of another open one.
static int move(int from, int to) {
#ifdef __wasi__
    return __wasilibc_fd_renumber(from, to);
#else
    if (from == to)
        return fcntl(from, F_GETFD) < 0 ? -1 : 0;
    return dup2(from, to) < 0 ? -1 : close(from);
#endif
}

static void move_away(void) {
    result("move", move(FD, NULL_FD));
    stat_fd("old", FD);
    stat_fd("new", NULL_FD);
}
static void move_here(void) {
    result("move", move(NULL_FD, FD));
    stat_fd("new", FD);
    do_write("write", FD, "AB", 2);
    do_read("read", FD, 2);
}
static void move_itself(void) {
    result("move", move(FD, FD));
    stat_fd("fstat", FD);
}
static void move_read(void) {
    result("move", move(FD, NULL_FD));
    do_read("read", NULL_FD, 4);
}
static void move_flags(void) {
    set_flags(O_NONBLOCK);
    result("move", move(FD, NULL_FD));
    put_flags("flags", NULL_FD);
}
