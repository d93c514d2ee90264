package streams_test

import "syscall"

const errNoSpace = syscall.ENOSPC
