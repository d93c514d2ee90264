// nbody(n): n steps of five bodies that attract one another. Floating point, square roots and divisions.
#include "kernels.h"

#define BODIES 5

static struct body {
    double p[3], v[3], m;
} bodies[BODIES];

static void reset(void) {
    u32 seed = 2463534242u;
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].p[k] = (double)(next(&seed) % 1000) / 10.0 + 100.0 * i;
            bodies[i].v[k] = (double)(next(&seed) % 1000) / 1000.0;
        }
        bodies[i].m = 1.0 + (double)(next(&seed) % 100);
    }
}

static void step(double dt) {
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++) {
            struct body *a = &bodies[i], *b = &bodies[j];
            double d[3], dist2 = 0.01;
            for (int k = 0; k < 3; k++) {
                d[k] = a->p[k] - b->p[k];
                dist2 += d[k] * d[k];
            }
            double mag = dt / (dist2 * __builtin_sqrt(dist2));
            for (int k = 0; k < 3; k++) {
                a->v[k] -= d[k] * b->m * mag;
                b->v[k] += d[k] * a->m * mag;
            }
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].p[k] += dt * bodies[i].v[k];
}

KERNEL(nbody) {
    u64 sum = 0;
    reset();
    for (u32 i = 0; i < n; i++)
        step(0.01);
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++) {
            union {
                double d;
                u64 u;
            } bits = {.d = bodies[i].p[k]};
            sum = fold(sum, bits.u);
        }
    return sum;
}
