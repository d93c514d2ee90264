// What only directories can do. The directory holds: file ("content"), sub/below ("below"), empty/, link -> file,
// escape -> ../outside, loop -> loop.
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void put_entries(const char *name, DIR *dir) {
    char *names[100];
    int count = 0;
    for (struct dirent *e; count < 100 && (e = readdir(dir)) != NULL;)
        names[count++] = strdup(e->d_name);
    qsort(names, (size_t)count, sizeof names[0], by_name);
    put_name(name);
    for (int i = 0; i < count; i++) {
        put(i ? "," : "");
        put(names[i]);
    }
}

static void list_fd(int fd) {
    DIR *dir = fdopendir(fd);
    result("fdopendir", dir ? 0 : -1);
    if (dir)
        put_entries("entries", dir);
}

static void dir_list(void) { list_fd(FD); }
static void dir_list_twice(void) {
    DIR *dir = fdopendir(FD);
    result("fdopendir", dir ? 0 : -1);
    if (!dir)
        return;
    put_entries("first", dir);
    rewinddir(dir);
    put_entries("second", dir);
}

static int do_open(const char *path, int flags) { return (int)result("openat", openat(FD, path, flags, 0666)); }

static void open_read(const char *path, int flags) {
    int fd = do_open(path, O_RDONLY | flags);
    if (fd >= 0)
        do_read("read", fd, 100);
}
static void open_write(const char *path, int flags) {
    int fd = do_open(path, O_WRONLY | flags);
    if (fd >= 0)
        do_write("write", fd, "NEW", 3);
}

static void dir_open_file(void) { open_read("file", 0); }
static void dir_open_missing(void) { open_read("missing", 0); }
static void dir_open_below(void) { open_read("sub/below", 0); }
static void dir_open_dot(void) { open_read("./sub/./below", 0); }
static void dir_open_dotdot(void) { open_read("sub/../file", 0); }
static void dir_open_escape(void) { open_read("../outside", 0); }
static void dir_open_empty(void) { open_read("", 0); }
static void dir_open_slash(void) { open_read("file/", 0); }
static void dir_open_link(void) { open_read("link", 0); }
static void dir_open_link_nofollow(void) { open_read("link", O_NOFOLLOW); }
static void dir_open_link_escape(void) { open_read("escape", 0); }
static void dir_open_link_loop(void) { open_read("loop", 0); }
static void dir_open_directory(void) { open_read("sub", O_DIRECTORY); }
static void dir_open_not_directory(void) { open_read("file", O_DIRECTORY); }
static void dir_open_below_file(void) { open_read("file/below", 0); }
static void dir_open_long(void) {
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    open_read(name, 0);
}
static void dir_open_list(void) {
    int fd = do_open("sub", O_RDONLY | O_DIRECTORY);
    if (fd >= 0)
        list_fd(fd);
}

static void stat_at(const char *path, int flags) {
    struct stat s;
    do_stat("fstatat", fstatat(FD, path, &s, flags), &s);
}

static void dir_stat_file(void) { stat_at("file", 0); }
static void dir_stat_directory(void) { stat_at("sub", 0); }
static void dir_stat_link(void) { stat_at("link", AT_SYMLINK_NOFOLLOW); }
static void dir_stat_missing(void) { stat_at("missing", 0); }

static void dir_readlink(void) { bytes_result("readlink", readlinkat(FD, "link", room, 100), room); }
static void dir_readlink_file(void) { bytes_result("readlink", readlinkat(FD, "file", room, 100), room); }

static void dir_open_write(void) { open_write("file", 0); }
static void dir_open_write_read(void) {
    int fd = do_open("file", O_RDWR);
    if (fd < 0)
        return;
    do_write("write", fd, "NEW", 3);
    do_read("read", fd, 100);
}
static void dir_open_directory_write(void) { open_write("sub", 0); }
static void dir_open_append(void) { open_write("file", O_APPEND); }
static void dir_create(void) { open_write("new", O_CREAT); }
static void dir_create_existing(void) { open_write("file", O_CREAT); }
static void dir_create_exclusive(void) { open_write("file", O_CREAT | O_EXCL); }
static void dir_create_below_missing(void) { open_write("missing/new", O_CREAT); }
static void dir_truncate(void) { open_write("file", O_TRUNC); }

static void dir_make(void) { result("mkdirat", mkdirat(FD, "new", 0777)); }
static void dir_make_existing(void) { result("mkdirat", mkdirat(FD, "sub", 0777)); }
static void dir_make_below_missing(void) { result("mkdirat", mkdirat(FD, "missing/new", 0777)); }

static void do_remove(const char *path, int flags) { result("unlinkat", unlinkat(FD, path, flags)); }

static void dir_remove_file(void) { do_remove("file", 0); }
static void dir_remove_missing(void) { do_remove("missing", 0); }
static void dir_remove_directory(void) { do_remove("empty", 0); }
static void dir_remove_empty(void) { do_remove("empty", AT_REMOVEDIR); }
static void dir_remove_full(void) { do_remove("sub", AT_REMOVEDIR); }
static void dir_remove_as_directory(void) { do_remove("file", AT_REMOVEDIR); }

static void do_rename(const char *from, const char *to) { result("renameat", renameat(FD, from, FD, to)); }

static void dir_rename(void) { do_rename("file", "sub/new"); }
static void dir_rename_over(void) { do_rename("file", "sub/below"); }
static void dir_rename_missing(void) { do_rename("missing", "new"); }
static void dir_rename_escape(void) { do_rename("file", "../moved"); }
static void dir_link(void) { result("linkat", linkat(FD, "file", FD, "new", 0)); }
static void dir_link_existing(void) { result("linkat", linkat(FD, "file", FD, "sub/below", 0)); }
static void dir_symlink(void) { result("symlinkat", symlinkat("file", FD, "new")); }
static void dir_symlink_existing(void) { result("symlinkat", symlinkat("file", FD, "sub")); }
static void dir_times(void) {
    struct timespec times[] = {{5, 7}, {77, 0}};
    result("utimensat", utimensat(FD, "file", times, 0));
    stat_at("file", 0);
}
