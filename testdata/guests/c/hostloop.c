// loop(n): calls the imported function env.host n times, feeding each result into the next call.
__attribute__((import_module("env"), import_name("host"))) int host(int a, int b);

__attribute__((export_name("loop"))) int loop(int n) {
    int acc = 0;
    for (int i = 0; i < n; i++)
        acc = host(acc, i);
    return acc;
}
