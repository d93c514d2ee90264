// The position.
static void do_seek(off_t offset, int whence) {
    result("seek", lseek(FD, offset, whence));
    result("position", lseek(FD, 0, SEEK_CUR));
}

static void seek_set(void) { do_seek(3, SEEK_SET); }
static void seek_negative(void) { do_seek(-1, SEEK_SET); }
static void seek_current(void) { do_seek(2, SEEK_CUR); }
static void seek_current_before(void) { do_seek(-100, SEEK_CUR); }
static void seek_end(void) { do_seek(-1, SEEK_END); }
static void seek_end_before(void) { do_seek(-100, SEEK_END); }
static void seek_beyond(void) { do_seek(1000, SEEK_END); }
static void seek_highest(void) { do_seek(INT64_MAX, SEEK_SET); }
static void seek_overflow(void) { do_seek(INT64_MAX, SEEK_END); }
static void seek_nowhence(void) { do_seek(1, 99); }
static void seek_read(void) {
    do_seek(8, SEEK_SET);
    do_read("read", FD, 100);
}
static void seek_write(void) {
    do_seek(8, SEEK_SET);
    do_write("write", FD, "ABCD", 4);
}
static void seek_hole_write(void) {
    do_seek(20, SEEK_SET);
    do_write("write", FD, "ABCD", 4);
}
