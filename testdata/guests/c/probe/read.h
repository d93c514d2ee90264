// Reading, at the position and elsewhere.
static char room[8192];

static void do_read(const char *name, int fd, size_t n) { bytes_result(name, read(fd, room, n), room); }

static void read_some(void) { do_read("read", FD, 4); }
static void read_all(void) { do_read("read", FD, 100); }
static void read_twice(void) {
    do_read("first", FD, 3);
    do_read("second", FD, 100);
}
static void read_nothing(void) { do_read("read", FD, 0); }

// Buffers of n bytes each that follow on one another.
static void spread(struct iovec *parts, int count, size_t n) {
    for (int i = 0; i < count; i++)
        parts[i] = (struct iovec){room + (size_t)i * n, n};
}

static void readv_three(void) {
    struct iovec parts[] = {{room, 2}, {NULL, 0}, {room + 2, 50}};
    bytes_result("readv", readv(FD, parts, 3), room);
}
static void readv_none(void) {
    struct iovec parts[1] = {{room, 1}};
    bytes_result("readv", readv(FD, parts, 0), room);
}
static void readv_empty(void) {
    struct iovec parts[] = {{room, 0}, {room, 0}};
    bytes_result("readv", readv(FD, parts, 2), room);
}
static struct iovec many[1025];
static void readv_most(void) {
    spread(many, 1024, 1);
    bytes_result("readv", readv(FD, many, 1024), room);
}
static void readv_too_many(void) {
    spread(many, 1025, 1);
    bytes_result("readv", readv(FD, many, 1025), room);
}

static void do_pread(size_t n, off_t at) { bytes_result("pread", pread(FD, room, n, at), room); }

static void pread_some(void) {
    do_pread(3, 7);
    result("position", lseek(FD, 0, SEEK_CUR));
}
static void pread_nothing(void) { do_pread(0, 0); }
static void pread_beyond(void) { do_pread(4, 1000); }
static void pread_negative(void) { do_pread(4, -1); }
static void pread_highest(void) { do_pread(4, INT64_MAX); }
static void preadv_two(void) {
    struct iovec parts[] = {{room, 2}, {room + 2, 3}};
    bytes_result("preadv", preadv(FD, parts, 2, 1), room);
}
