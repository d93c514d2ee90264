// Bulk input and output for the benchmarks: a reactor whose functions go straight to read, write and lseek.
// Each function returns a negative errno when a call fails.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static char buf[65536];

// Opens the file "data" in the first preopened directory for reading and writing, and returns its descriptor.
__attribute__((export_name("open_data"))) int open_data(void) {
    int fd = open("data", O_RDWR);
    return fd < 0 ? -errno : fd;
}

// Reads from the start of fd to its end in reads of 64 KiB, and returns the number of bytes.
__attribute__((export_name("read_all"))) long long read_all(int fd) {
    long long total = 0;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    for (;;) {
        ssize_t n = read(fd, buf, sizeof buf);
        if (n < 0)
            return -errno;
        if (n == 0)
            return total;
        total += n;
    }
}

// Writes total bytes from the start of fd in writes of 64 KiB, and returns the number of bytes.
__attribute__((export_name("write_all"))) long long write_all(int fd, long long total) {
    long long done = 0;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    while (done < total) {
        ssize_t n = write(fd, buf, sizeof buf);
        if (n < 0)
            return -errno;
        done += n;
    }
    return done;
}
