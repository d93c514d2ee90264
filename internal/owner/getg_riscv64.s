#include "textflag.h"

// func getg() uintptr
TEXT ·getg(SB), NOSPLIT, $0-8
	MOV g, X5
	MOV X5, ret+0(FP)
	RET
