// probe OP [nonblock]: does one operation on descriptor 10 and prints, in one line, what came of it. Descriptor 11 is
// the null device, 12 is a pipe from which nothing ever comes, and 99 is closed. "nonblock" makes the program set
// O_NONBLOCK on descriptor 10 first. "probe list" prints the names of all operations, each with its class.
//
// The same source is compiled for WASI and for the host. test/matrix compares what the two print. With ADAPTED it is
// for a component, whose first argument says which of its descriptors the object is.
#include "probe/print.h"
#include "probe/read.h"
#include "probe/write.h"
#include "probe/seek.h"
#include "probe/attributes.h"
#include "probe/flags.h"
#include "probe/poll.h"
#include "probe/socket.h"
#include "probe/directory.h"

// The classes: what an operation needs to be allowed to.
#define READS "reads"
#define WRITES "writes"
#define NEUTRAL "neutral"
// Of a directory; "looks" and "changes" are done with directories only.
#define DIRECTORY "directory"
#define LOOKS "looks"
#define CHANGES "changes"

static const struct {
    const char *name, *class;
    void (*run)(void);
} operations[] = {
#define OP(name, class) {#name, class, name},
#include "probe/list.h"
};

enum { COUNT = sizeof operations / sizeof operations[0] };

static int list(void) {
    for (int i = 0; i < COUNT; i++) {
        put(operations[i].name);
        put(" ");
        put(operations[i].class);
        put("\n");
    }
    return flush();
}

int main(int argc, char **argv) {
#ifdef ADAPTED
    if (argc < 2)
        return 2;
    FD = atoi(argv[1]);
    argc--, argv++;
#endif
    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "list") == 0)
        return list();
#ifndef __wasi__
    signal(SIGPIPE, SIG_IGN); // WASI has no signals
#endif
    if (argc > 2)
        result("nonblock", fcntl(FD, F_SETFL, fcntl(FD, F_GETFL) | O_NONBLOCK));
    for (int i = 0; i < COUNT; i++)
        if (strcmp(argv[1], operations[i].name) == 0) {
            operations[i].run();
            put("\n");
            return flush();
        }
    return 2;
}
