// loop(n): calls fd_write of WASI 0.1 n times with nothing to write to standard output. Returns how often it succeeded.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int
fd_write(int fd, const void *iovs, int count, unsigned *written);

__attribute__((export_name("loop"))) int loop(int n) {
    static unsigned written;
    int succeeded = 0;
    for (int i = 0; i < n; i++)
        succeeded += fd_write(1, 0, 0, &written) == 0;
    return succeeded;
}
