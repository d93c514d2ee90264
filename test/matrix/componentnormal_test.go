//go:build linux

package matrix_test

import (
	"regexp"
	"strings"
)

var (
	// adapters are operations that the adapter answers by itself, or does not have. It has no sockets, only reads into
	// and writes from the first buffer, cannot allocate, keeps the table of descriptors and their flags, adds up
	// positions without looking at what they are of, and traps when poll is given what is not open.
	adapters = regexp.MustCompile(`^(recv_|send_|shutdown_|accept_|socket_type|readv_|writev_|preadv_|pwritev_|append_writev|allocate_|flags_|move_|` +
		`advise_(negative|unknown)|seek_(negative|current|end|beyond|highest|overflow|nowhence)|poll_(closed|after_close|negative)|close_(twice|read))`)
	// adaptersOwnOfStreams are the same for standard streams, which it knows to be nothing but streams.
	adaptersOwnOfStreams = regexp.MustCompile(`^(dir_|advise_|attributes|pread_|pwrite_|append_|seek_|sync_|terminal|times_|truncate_|available|read_write|write_read)`)
	// adaptersOwnOfPositions are the same for what has no position, of which it keeps one.
	adaptersOwnOfPositions = regexp.MustCompile(`^(append_|seek_|available)`)
	// adaptersOfDirectories are what it lets be done with a directory as with a file.
	adaptersOfDirectories = regexp.MustCompile(`^(attributes|terminal|poll_time)`)
)

// componentDifference is a difference that the adapter makes, or WASI 0.2.
type componentDifference struct {
	name   string
	reason string
	in     func(c *cell, g given) bool
	change func(c *cell, r *result)
}

var componentDifferences = []componentDifference{
	{
		name:   "numbers",
		reason: "Descriptors are numbered by the adapter.",
		in:     func(c *cell, _ given) bool { return c.kind.directory },
		change: func(_ *cell, r *result) { r.line = opened.ReplaceAllString(r.line, "openat=fd") },
	},
	{
		name:   "position",
		reason: "A descriptor of WASI 0.2 has no position: the adapter keeps one.",
		in:     func(c *cell, g given) bool { return c.kind.name == "file" && g.source > 2 },
		change: func(_ *cell, r *result) { r.after = position.ReplaceAllString(r.after, "") },
	},
	{
		name:   "writing what may only be read",
		reason: "Upstream says not-permitted, and the adapter EPERM.",
		in:     func(c *cell, g given) bool { return c.mode == readOnly && !c.kind.directory },
		change: func(c *cell, r *result) {
			if c.op.name != "truncate_negative" { // which the C library finds out
				r.line = badWrite.ReplaceAllString(r.line, "${1}=EPERM")
			}
		},
	},
	{
		name:   "reading a directory",
		reason: "The adapter says EBADF.",
		in:     func(c *cell, _ given) bool { return c.op.name == "dir_open_directory" },
		change: func(_ *cell, r *result) { r.line = strings.Replace(r.line, "read=EISDIR", "read=EBADF", 1) },
	},
	{
		name:   "hang-up in poll",
		reason: "WASI 0.2 says which pollables are ready, and nothing else.",
		in:     func(*cell, given) bool { return true },
		change: func(c *cell, r *result) {
			r.line = revents.ReplaceAllStringFunc(readiness(r.line), func(field string) string {
				name, events, _ := strings.Cut(field, "=")
				if events != "hup" {
					return field
				}
				if asksFor(c.op.name, name, "in") {
					return name + "=in"
				}
				return name + "=out"
			})
		},
	},
	{
		name:   "position of what has none",
		reason: "The adapter keeps one.",
		in:     func(c *cell, g given) bool { return c.kind.name != "file" && positioned.MatchString(c.op.name) },
		change: func(_ *cell, r *result) { r.line = itsPosition.ReplaceAllString(r.line, "") },
	},
	{
		name:   "writing somewhere in what may only be read",
		reason: "That it may not be written is found out first, but for a negative position, which the C library finds.",
		in: func(c *cell, g given) bool {
			return strings.HasPrefix(c.op.name, "pwrite_") && c.mode == readOnly && !c.kind.directory
		},
		change: func(c *cell, r *result) {
			to := "EPERM"
			if c.op.name == "pwrite_negative" {
				to = "EINVAL"
			}
			r.line = written.ReplaceAllString(r.line, "pwrite="+to)
		},
	},
	{
		name:   "a pipe with room for a few bytes",
		reason: "Linux says of it that it is not ready, and so does check-write, though a few bytes would be taken.",
		in: func(c *cell, g given) bool {
			few := map[string]bool{"write_some": true, "write_twice": true, "read_write": true, "write_read": true}
			return c.kind.name == "pipe-in" && c.situation.name == "nearly-full" && c.nonblock && few[c.op.name]
		},
		change: func(_ *cell, r *result) {
			r.line = fewTaken.ReplaceAllString(r.line, "${1}=EAGAIN")
			r.after = `peer got "" then nothing`
		},
	},
	{
		name:   "writing nothing",
		reason: "Nothing is written, so nothing can go wrong.",
		in:     func(c *cell, g given) bool { return c.op.name == "write_nothing" && c.mode != readOnly },
		change: func(_ *cell, r *result) { r.line = failedWrite.ReplaceAllString(r.line, "write=0") },
	},
	{
		name:   "writing after an error",
		reason: "A stream is closed after an error.",
		in:     func(c *cell, g given) bool { return c.op.name == "write_twice" && c.mode != readOnly },
		change: func(c *cell, r *result) {
			to := "second=EIO"
			if c.nonblock {
				to = "second=0"
			}
			if !strings.Contains(r.line, "EAGAIN") && strings.Contains(r.line, "first=E") {
				r.line = failedSecond.ReplaceAllString(r.line, to)
			}
		},
	},
	{
		name:   "a pipe that nobody reads",
		reason: "The stream is closed. The adapter says EIO, or that nothing was written if it does not wait.",
		in:     func(c *cell, g given) bool { return true },
		change: func(c *cell, r *result) {
			to := "EIO"
			if c.nonblock {
				to = "0"
			}
			r.line = strings.ReplaceAll(r.line, "=EPIPE", "="+to)
		},
	},
}

// readiness takes the hang-ups out of what poll has said. The adapter says that of what has no bytes that it knows of,
// and then the C library takes POLLOUT away.
func readiness(line string) string {
	return strings.NewReplacer("in+hup", "in", "in+out", "in").Replace(line)
}

var (
	opened       = regexp.MustCompile(`openat=\d+`)
	position     = regexp.MustCompile(`position \d+, `)
	positioned   = regexp.MustCompile(`^(pread_|pwrite_)`)
	itsPosition  = regexp.MustCompile(` position=\S+`)
	written      = regexp.MustCompile(`pwrite=\S+`)
	fewTaken     = regexp.MustCompile(`\b(write|first|second)=\d+`)
	failedWrite  = regexp.MustCompile(`write=E\S+`)
	failedSecond = regexp.MustCompile(`second=E\S+`)
	badWrite     = regexp.MustCompile(`\b(write|pwrite|first|second|ftruncate)=(EBADF|EINVAL)`)
)

// adaptersOwn tells whether the adapter makes the answer, so that there is nothing to be compared.
func (c *cell) adaptersOwn(g given) bool {
	name := c.op.name
	asks := func(direction string) bool {
		return strings.HasPrefix(name, "poll_") && (asksFor(name, "revents", direction) || asksFor(name, "revents1", direction))
	}
	switch {
	case name == "write_much" && (c.nonblock || c.kind.name == "terminal"):
		// A stream allows a part, which is written or kept; and through a terminal it takes its time, page by page.
		return true
	case c.kind.directory:
		// As a file it is EBADF whatever is done.
		return !strings.HasPrefix(name, "dir_") && !adaptersOfDirectories.MatchString(name)
	case g.source <= 2 && adaptersOwnOfStreams.MatchString(name):
		return true
	case c.kind.name != "file" && g.source > 2 && adaptersOwnOfPositions.MatchString(name):
		return true
	case c.kind.name == "terminal" && g.source > 2 && name == "terminal":
		return true // of a descriptor nobody can say that it is one
	}
	// There is no stream to be asked for a pollable, so that its poll fails as a whole.
	return (c.mode == readOnly || g == asStdin) && asks("out") || (c.mode == writeOnly || g == asStdout) && asks("in") ||
		strings.HasPrefix(name, "available") && c.mode == writeOnly
}

// expectOf is what a component is to find in a cell.
func (c *cell) expectOf(g given, oracle result) result {
	oracle = c.expect(oracle)
	for _, d := range componentDifferences {
		if d.in(c, g) {
			d.change(c, &oracle)
		}
	}
	return oracle
}

// matchesOf compares what is expected with what the component found.
func (c *cell) matchesOf(g given, want, got result) bool {
	for _, d := range componentDifferences {
		if (d.name == "numbers" || d.name == "position" || d.name == "position of what has none") && d.in(c, g) {
			d.change(c, &got)
		}
	}
	got.line = readiness(got.line)
	return c.matches(want, got)
}
