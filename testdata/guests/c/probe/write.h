// Writing, at the position, at the end and elsewhere.
static char much[200000];

static void do_write(const char *name, int fd, const char *s, size_t n) { result(name, write(fd, s, n)); }

static const char *fill(void) {
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)('a' + i % 23);
    return much;
}

static void write_some(void) { do_write("write", FD, "ABCD", 4); }
static void write_twice(void) {
    do_write("first", FD, "AB", 2);
    do_write("second", FD, "CD", 2);
}
static void write_nothing(void) { do_write("write", FD, "", 0); }
static void write_much(void) { do_write("write", FD, fill(), sizeof much); }
static void write_page(void) { do_write("write", FD, fill(), 4096); }

static void writev_three(void) {
    struct iovec parts[] = {{"AB", 2}, {NULL, 0}, {"CDE", 3}};
    result("writev", writev(FD, parts, 3));
}
static void writev_none(void) {
    struct iovec parts[1] = {{"A", 1}};
    result("writev", writev(FD, parts, 0));
}
static void writev_empty(void) {
    struct iovec parts[] = {{"A", 0}, {"B", 0}};
    result("writev", writev(FD, parts, 2));
}
static void writev_much(void) {
    fill();
    struct iovec parts[] = {{much, 5000}, {much + 5000, 1}, {much + 5001, sizeof much - 5001}};
    result("writev", writev(FD, parts, 3));
}
static void writev_too_many(void) {
    spread(many, 1025, 1);
    result("writev", writev(FD, many, 1025));
}

static void do_pwrite(const char *s, size_t n, off_t at) {
    result("pwrite", pwrite(FD, s, n, at));
    result("position", lseek(FD, 0, SEEK_CUR));
}

static void pwrite_some(void) { do_pwrite("XYZ", 3, 5); }
static void pwrite_nothing(void) { do_pwrite("", 0, 5); }
static void pwrite_beyond(void) { do_pwrite("XYZ", 3, 20); }
static void pwrite_negative(void) { do_pwrite("XYZ", 3, -1); }
static void pwritev_two(void) {
    struct iovec parts[] = {{"AB", 2}, {"CDE", 3}};
    result("pwritev", pwritev(FD, parts, 2, 3));
}

static void set_append(void) { result("append", fcntl(FD, F_SETFL, fcntl(FD, F_GETFL) | O_APPEND)); }

static void append_write(void) {
    set_append();
    do_write("write", FD, "END", 3);
    result("position", lseek(FD, 0, SEEK_CUR));
}
static void append_pwrite(void) {
    set_append();
    do_pwrite("END", 3, 0);
}
static void append_writev(void) {
    set_append();
    writev_three();
}

static void read_write(void) {
    do_read("read", FD, 2);
    do_write("write", FD, "ABC", 3);
}
static void write_read(void) {
    do_write("write", FD, "ABC", 3);
    do_read("read", FD, 2);
}
