package served

import (
	"io/fs"
	"syscall"

	"github.com/gowasmtime/wasmtime/ffi"
)

// hostNumbers says that hostStat finds what files of the host are, not only when they were written.
const hostNumbers = true

// hostStat adds what the host knows of one of its files.
func hostStat(stat *ffi.FSStat, info fs.FileInfo) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		stat.Dev, stat.Ino, stat.Links = uint64(s.Dev), uint64(s.Ino), uint64(s.Nlink)
		stat.AccessTime, stat.ChangeTime = nanoseconds(s.Atim.Unix()), nanoseconds(s.Ctim.Unix())
	}
}
