// readfd N: copies everything that can be read from descriptor N to standard output, with nothing but read and write.
// It ends with status 2 for a bad argument and with 1, and a line on standard error, when a read or a write fails.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buf[16384];

static int fail(const char *what, int fd) {
    fprintf(stderr, "%s %d: %s\n", what, fd, strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    char *end;
    if (argc != 2) {
        fprintf(stderr, "usage: readfd N\n");
        return 2;
    }
    long fd = strtol(argv[1], &end, 10);
    if (end == argv[1] || *end != 0 || fd < 0) {
        fprintf(stderr, "readfd: not a descriptor: %s\n", argv[1]);
        return 2;
    }
    for (;;) {
        ssize_t n = read((int)fd, buf, sizeof buf);
        if (n < 0)
            return fail("read", (int)fd);
        if (n == 0)
            return 0;
        for (ssize_t done = 0; done < n;) {
            ssize_t w = write(STDOUT_FILENO, buf + done, (size_t)(n - done));
            if (w < 0)
                return fail("write", STDOUT_FILENO);
            done += w;
        }
    }
}
