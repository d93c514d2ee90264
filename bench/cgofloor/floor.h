// The two crossings, with nothing on the other side.
#pragma once

static inline void floor_empty(void) {}

// Calls the exported Go function floor_go_empty n times.
void floor_callbacks(int n);
