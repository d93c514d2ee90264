// Type, size, times and storage.
static const char *type_name(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return "regular";
    case S_IFDIR: return "directory";
    case S_IFCHR: return "character";
    case S_IFBLK: return "block";
    case S_IFLNK: return "link";
    case S_IFSOCK: return "socket";
#ifndef __wasi__
    case S_IFIFO: return "pipe";
#endif
    }
    return "unknown";
}

// A time of the last minutes is "now", one that is newer than the test's files at all.
static void put_time(const char *name, struct timespec t) {
    put_name(name);
    if (t.tv_sec > 1700000000) {
        put("now");
        return;
    }
    put_number(t.tv_sec);
    put(".");
    put_number(t.tv_nsec);
}

static void do_stat(const char *name, int got, const struct stat *s) {
    if (result(name, got) < 0)
        return;
    put_name("type");
    put(type_name(s->st_mode));
    if (S_ISREG(s->st_mode) || S_ISLNK(s->st_mode))
        number("size", s->st_size);
    number("links", (long long)s->st_nlink);
    if (S_ISREG(s->st_mode)) {
        put_time("atime", s->st_atim);
        put_time("mtime", s->st_mtim);
    }
}

static void stat_fd(const char *name, int fd) {
    struct stat s;
    do_stat(name, fstat(fd, &s), &s);
}

static void attributes(void) { stat_fd("fstat", FD); }

static void do_truncate(off_t size) {
    result("ftruncate", ftruncate(FD, size));
    stat_fd("fstat", FD);
}

static void truncate_less(void) { do_truncate(3); }
static void truncate_more(void) { do_truncate(100); }
static void truncate_nothing(void) { do_truncate(0); }
static void truncate_negative(void) { do_truncate(-1); }
static void truncate_highest(void) { do_truncate(INT64_MAX); }

static void do_allocate(off_t offset, off_t size) {
    error_result("allocate", posix_fallocate(FD, offset, size));
    stat_fd("fstat", FD);
}

static void allocate_inside(void) { do_allocate(0, 5); }
static void allocate_more(void) { do_allocate(5, 50); }
static void allocate_nothing(void) { do_allocate(0, 0); }
static void allocate_negative(void) { do_allocate(-1, 5); }
static void allocate_overflow(void) { do_allocate(INT64_MAX, INT64_MAX); }

static void advise_each(void) {
    error_result("normal", posix_fadvise(FD, 0, 10, POSIX_FADV_NORMAL));
    error_result("sequential", posix_fadvise(FD, 0, 10, POSIX_FADV_SEQUENTIAL));
    error_result("random", posix_fadvise(FD, 0, 0, POSIX_FADV_RANDOM));
    error_result("willneed", posix_fadvise(FD, 1000, 10, POSIX_FADV_WILLNEED));
    error_result("dontneed", posix_fadvise(FD, 0, 0, POSIX_FADV_DONTNEED));
    error_result("noreuse", posix_fadvise(FD, 0, 10, POSIX_FADV_NOREUSE));
}
static void advise_negative(void) { error_result("advise", posix_fadvise(FD, 0, -1, POSIX_FADV_NORMAL)); }
static void advise_unknown(void) { error_result("advise", posix_fadvise(FD, 0, 0, 99)); }

static void sync_all(void) { result("fsync", fsync(FD)); }
static void sync_data(void) { result("fdatasync", fdatasync(FD)); }

static void do_times(struct timespec access, struct timespec modification) {
    struct timespec times[] = {access, modification};
    result("futimens", futimens(FD, times));
    stat_fd("fstat", FD);
}

static const struct timespec omit = {0, UTIME_OMIT}, now = {0, UTIME_NOW};

static void times_set(void) { do_times((struct timespec){5, 7}, (struct timespec){1000000000, 999999999}); }
static void times_now(void) { do_times(now, now); }
static void times_modification(void) { do_times(omit, (struct timespec){77, 0}); }
static void times_access(void) { do_times((struct timespec){77, 0}, omit); }
static void times_neither(void) { do_times(omit, omit); }
static void times_null(void) {
    result("futimens", futimens(FD, NULL));
    stat_fd("fstat", FD);
}
