//go:build linux

package matrix_test

import (
	"regexp"
	"strconv"
	"strings"
)

// difference is a difference between Linux and WASI that a guest is meant to see, or that the C library of the guest
// makes. Everything that is not listed here must be the same.
type difference struct {
	name string
	// reason says why it is no mistake.
	reason string
	// in tells whether a cell is concerned.
	in func(c *cell) bool
	// change makes of what the oracle found what the guest is to find.
	change func(c *cell, r *result)
}

var differences = []difference{
	{
		name:   "type of a pipe",
		reason: "WASI 0.1 has no file type for a pipe: it is unknown.",
		in:     func(c *cell) bool { return strings.HasPrefix(c.kind.name, "pipe") },
		change: func(_ *cell, r *result) { r.line = strings.ReplaceAll(r.line, "type=pipe", "type=unknown") },
	},
	{
		name:   "hang-up in poll",
		reason: "WASI 0.1 has a hang-up flag, no error flag, and an event for each direction that was asked for. The C library takes POLLOUT away beside POLLHUP.",
		in:     func(*cell) bool { return true },
		change: func(c *cell, r *result) {
			r.line = revents.ReplaceAllStringFunc(r.line, func(field string) string { return hangup(c.op.name, field) })
		},
	},
	{
		name:   "FIONREAD",
		reason: "The C library asks poll_oneoff, whose number of bytes is unsigned and has no error beside it.",
		in:     func(c *cell) bool { return strings.HasPrefix(c.op.name, "available") },
		change: func(_ *cell, r *result) {
			r.line = noNumber.ReplaceAllString(r.line, "available=0 bytes=0")
			r.line = negative.ReplaceAllString(r.line, "bytes=0")
		},
	},
	{
		name:   "FIONREAD of a pipe for writing",
		reason: "The C library asks poll_oneoff, which does not count the bytes of what is not ready for reading.",
		in: func(c *cell) bool {
			return strings.HasPrefix(c.op.name, "available") && c.kind.name == "pipe-in" && !strings.Contains(c.situation.name, "closed")
		},
		change: func(_ *cell, r *result) { r.line = number.ReplaceAllString(r.line, "bytes=0") },
	},
	{
		name:   "arguments that no descriptor takes",
		reason: "The C library checks a negative length, and an unknown advice is no value of WASI's type, before the descriptor is looked at.",
		in:     func(c *cell) bool { return c.op.name == "advise_negative" || c.op.name == "advise_unknown" },
		change: func(_ *cell, r *result) { r.line = advice.ReplaceAllString(r.line, "advise=EINVAL") },
	},
	{
		name:   "times of what may only be read",
		reason: "Linux lets the owner of a file set its times through any descriptor. A guest that was given reading is not to change the file.",
		in: func(c *cell) bool {
			return c.mode == readOnly && strings.HasPrefix(c.op.name, "times_")
		},
		change: func(_ *cell, r *result) {
			r.line = strings.Replace(r.line, "futimens=0", "futimens=EPERM", 1)
			r.line = times.ReplaceAllString(r.line, "${1}time="+strconv.FormatInt(oldTime.Unix(), 10)+"."+strconv.Itoa(oldTime.Nanosecond()))
		},
	},
	{
		name:   "O_APPEND of the host",
		reason: "The flags belong to the guest's descriptor alone, so it cannot take O_APPEND away from the host's open file.",
		in: func(c *cell) bool {
			return c.situation.name == "append" && clearsAppend[c.op.name]
		},
		change: func(c *cell, r *result) {
			before := "flags=" + [...]string{readOnly: "read", writeOnly: "write", readWrite: "both"}[c.mode] + "+append"
			if c.nonblock {
				before += "+nonblock"
			}
			r.line = flags.ReplaceAllString(strings.ReplaceAll(r.line, "set=0", "set=EPERM"), before)
		},
	},
	{
		name:   "how much a terminal, a connection or a named pipe takes",
		reason: "It depends on how fast the kernel moves the bytes to the other side; and a named pipe whose host side blocks cannot be asked not to wait, so its last page may stay empty. Compared is that a part was taken, and arrived.",
		in:     (*cell).takesSome,
		change: func(_ *cell, r *result) { someTaken(r) },
	},
	{
		name:   "a terminal that has gone",
		reason: "The C library asks nobody: a character device without a position is a terminal.",
		in: func(c *cell) bool {
			return c.kind.name == "terminal" && c.situation.name == "closed" && c.op.name == "terminal"
		},
		change: func(_ *cell, r *result) { r.line = strings.Replace(r.line, "isatty=0", "isatty=1", 1) },
	},
	{
		name:   "sandbox",
		reason: "Nothing outside of a directory that a guest was given can be reached through it.",
		in:     func(c *cell) bool { return c.kind.directory && strings.HasSuffix(c.op.name, "_escape") },
		change: func(c *cell, r *result) {
			r.line = escaped.ReplaceAllString(r.line, "${1}=EPERM")
			r.after = untouchedTree
		},
	},
	{
		name:   "directory for reading",
		reason: "Linux opens every directory for reading and lets its owner change what is in it. A guest that was given reading is not to change anything; compared is that it gets an error and that nothing has changed.",
		in:     (*cell).refusesChanges,
		change: func(_ *cell, r *result) {
			r.line = refusable.ReplaceAllString(r.line, "${1}=refused")
			r.after = untouchedTree
		},
	},
	{
		name:   "directory as a file",
		reason: "The position of a directory is the cookie of fd_readdir: WASI's own tests demand EBADF of seeking, advice and allocation, and EISDIR of reading, whatever the other arguments are.",
		in: func(c *cell) bool {
			return c.kind.directory && c.op.name != "advise_negative" && c.op.name != "allocate_negative"
		},
		change: func(c *cell, r *result) {
			r.line = positions.ReplaceAllString(r.line, "${1}=EBADF")
			if directoryReads[c.op.name] {
				r.line = readings.ReplaceAllString(r.line, "${1}=EISDIR")
			}
		},
	},
	{
		name:   "socket for one direction",
		reason: "Linux has no socket that can only be read or only be written. A guest that was given one direction gets EBADF for the other, as with a file.",
		in: func(c *cell) bool {
			return c.kind.socket && (c.mode == readOnly && c.op.class == "writes" || c.mode == writeOnly && c.op.class == "reads")
		},
		change: func(c *cell, r *result) {
			call, _, _ := strings.Cut(c.op.name, "_")
			r.line = call + "=EBADF"
			if c.nonblock {
				r.line = "nonblock=0 " + r.line
			}
			r.waited = 0
			r.after = notCompared
		},
	},
}

var (
	revents      = regexp.MustCompile(`revents(\d?)=\S+`)
	noNumber     = regexp.MustCompile(`available=E\S+`)
	negative     = regexp.MustCompile(`bytes=-\d+`)
	number       = regexp.MustCompile(`bytes=\d+`)
	advice       = regexp.MustCompile(`advise=\S+`)
	times        = regexp.MustCompile(`([am])time=\S+`)
	flags        = regexp.MustCompile(`flags=\S+`)
	escaped      = regexp.MustCompile(`(openat|renameat)=\S+.*`)
	refusable    = regexp.MustCompile(`(openat|mkdirat|unlinkat|renameat|linkat|symlinkat|utimensat)=.*`)
	positions    = regexp.MustCompile(`\b(seek|position|normal|sequential|random|willneed|dontneed|noreuse|advise|allocate)=\S+`)
	readings     = regexp.MustCompile(`\b(readv|pread)=\S+`)
	refused      = regexp.MustCompile(`(openat|mkdirat|unlinkat|renameat|linkat|symlinkat|utimensat)=E.*`)
	muchTaken    = regexp.MustCompile(`(write|writev|send)=(\d+)$`)
	gotBytes     = regexp.MustCompile(`got (\d+) bytes \(\w+\)`)
	clearsAppend = map[string]bool{"flags_none": true, "flags_nonblock": true, "flags_nonblock_off_read": true, "move_flags": true}
	// directoryReads are the operations that Linux refuses, or carries out, before it finds that it reads a directory.
	directoryReads = map[string]bool{"readv_none": true, "readv_empty": true, "readv_too_many": true, "pread_highest": true}
	// directoryChanges are the operations on a directory that are tried with every object and change something.
	directoryChanges = map[string]bool{"dir_make": true, "dir_remove_file": true}
)

const untouchedTree = " . dir dir/empty dir/escape->../outside dir/file=content dir/link->file dir/loop->loop dir/sub dir/sub/below=below outside=outside"

// notCompared is an aftermath that the oracle cannot know.
const notCompared = "not compared"

// refusesChanges tells whether the cell tries to change what is in a directory that is given for reading.
func (c *cell) refusesChanges() bool {
	return c.kind.directory && c.mode == readOnly && (c.op.class == "changes" || directoryChanges[c.op.name])
}

// takesSome tells whether how much is written depends on the kernel's pace.
func (c *cell) takesSome() bool {
	if !strings.HasSuffix(c.op.name, "_much") {
		return false
	}
	return c.nonblock && (c.kind.name == "terminal" || c.kind.name == "tcp" || c.kind.name == "pipe-both") || c.kind.name == "tcp" && c.situation.name == "deaf"
}

// hangup makes of the events of one descriptor what a guest is told of them.
func hangup(op, field string) string {
	name, events, _ := strings.Cut(field, "=")
	if !strings.Contains(events, "hup") && !strings.Contains(events, "err") {
		return field
	}
	if asksFor(op, name, "in") {
		return name + "=in+hup"
	}
	return name + "=hup"
}

// asksFor tells whether an operation asks poll for a direction.
func asksFor(op, field, direction string) bool {
	switch {
	case op == "poll_same":
		return field != "revents1" || direction == "out"
	case strings.HasPrefix(op, "poll_in_out"):
		return true
	case strings.HasPrefix(op, "poll_in"), op == "poll_read", op == "shutdown_poll":
		return direction == "in"
	case strings.HasPrefix(op, "poll_out"), op == "poll_write":
		return direction == "out"
	}
	return true
}

// someTaken replaces the number of bytes that were written, and that arrived, when the two agree and are a part of all.
func someTaken(r *result) {
	const all = 200_000
	const before = 10 // what was on its way already in the situation "data"
	taken, got := muchTaken.FindStringSubmatch(r.line), gotBytes.FindStringSubmatch(r.after)
	if taken == nil {
		return
	}
	n, _ := strconv.Atoi(taken[2])
	arrived := n // when nobody is there to tell
	if got != nil {
		arrived, _ = strconv.Atoi(got[1])
	}
	if n > 0 && n < all && (arrived == n || arrived == n+before) {
		r.line = muchTaken.ReplaceAllString(r.line, "${1}=part")
		r.after = gotBytes.ReplaceAllString(r.after, "got it")
	}
}

// expect is what the guest is to find in a cell.
func (c *cell) expect(oracle result) result {
	for _, d := range differences {
		if d.in(c) {
			d.change(c, &oracle)
		}
	}
	return oracle
}

// matches compares what is expected with what the guest found.
func (c *cell) matches(want, got result) bool {
	if c.takesSome() {
		someTaken(&got)
		if c.kind.name == "terminal" {
			got.waited = want.waited // byte by byte it takes as long as the other side's first steps
		}
	}
	if c.refusesChanges() {
		got.line = refused.ReplaceAllString(got.line, "${1}=refused")
	}
	if want.after == notCompared {
		got.after = notCompared
	}
	if c.kind.name == "tcp" && c.op.name == "recv_nothing" {
		got.waited = want.waited // Linux itself ends the wait sooner or later, as its timers go
	}
	return want == got
}
