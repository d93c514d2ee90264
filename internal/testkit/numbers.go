package testkit

// Errno is an error number of WASI 0.1.
type Errno uint32

// Error numbers of WASI 0.1.
const (
	ErrnoSuccess     Errno = 0
	ErrnoAgain       Errno = 6
	ErrnoBadf        Errno = 8
	ErrnoReset       Errno = 15
	ErrnoExist       Errno = 20
	ErrnoIlseq       Errno = 25
	ErrnoInval       Errno = 28
	ErrnoIo          Errno = 29
	ErrnoIsdir       Errno = 31
	ErrnoLoop        Errno = 32
	ErrnoMfile       Errno = 33
	ErrnoNametoolong Errno = 37
	ErrnoNoent       Errno = 44
	ErrnoNomem       Errno = 48
	ErrnoNotconn     Errno = 53
	ErrnoNotdir      Errno = 54
	ErrnoNotempty    Errno = 55
	ErrnoNotsock     Errno = 57
	ErrnoOverflow    Errno = 61
	ErrnoPerm        Errno = 63
	ErrnoPipe        Errno = 64
	ErrnoSpipe       Errno = 70
)

// File types of WASI 0.1.
const (
	FiletypeUnknown   = 0
	FiletypeCharacter = 2
	FiletypeDirectory = 3
	FiletypeRegular   = 4
	FiletypeStream    = 6
	FiletypeSymlink   = 7
)

// Flags of WASI 0.1: of descriptors, rights, of path_open, of paths, and of the functions that set times.
const (
	FdflagAppend   = 1
	FdflagNonblock = 4
	FdflagSync     = 16

	RightRead     = 1 << 1
	RightSeek     = 1 << 2
	RightWrite    = 1 << 6
	RightAllocate = 1 << 8
	RightReaddir  = 1 << 14

	OflagCreate    = 1
	OflagDirectory = 2
	OflagExclusive = 4
	OflagTrunc     = 8

	LookupFollow = 1

	FstAtim    = 1
	FstAtimNow = 2
	FstMtim    = 4
	FstMtimNow = 8
)

// Clocks of WASI 0.1.
const (
	ClockRealtime  = 0
	ClockMonotonic = 1
)
