#include "_cgo_export.h"
#include "floor.h"

void floor_callbacks(int n) {
    for (int i = 0; i < n; i++)
        floor_go_empty();
}
