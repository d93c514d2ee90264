// A small module with a memory of its own: what an embedder instantiates for every request. A data segment, a global
// (the stack pointer that clang keeps), a memory of one page, two functions.
static char greeting[64] = "a small module with a memory and some data in it";

__attribute__((export_name("greeting"))) char *greeting_at(void) { return greeting; }

__attribute__((export_name("sum"))) int sum(int n) {
    int s = 0;
    for (int i = 0; i < n && i < (int)sizeof greeting; i++)
        s += greeting[i];
    return s;
}
