// Runs kernels on the processor, for tests: every thread of a block is a fiber that runs until it waits for the others.
//
// The order of threads turns around from one wait to the next, so that what misses a barrier shows. Blocks share one shared
// memory: whoever calls sees to it that one kernel runs at a time.
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define __device__ static
// All in one section, so that every block finds it as a device may leave it: full of what is no number.
#define __shared__ static __attribute__((section("shared_memory")))

typedef void (*Kernel)(float *, const u64 *, u64, u64);

struct Index {
    u32 x;
};
extern thread_local Index threadIdx, blockIdx;

void __syncthreads();

inline float __uint_as_float(u32 bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

inline float sinpif(float x) {
    return (float)sin(3.14159265358979323846 * x);
}

inline float cospif(float x) {
    return (float)cos(3.14159265358979323846 * x);
}

// Kernels by name.
struct Entry {
    const char *name;
    Kernel kernel;
    const Entry *next;
    static const Entry *first;
    Entry(const char *name, Kernel kernel) : name(name), kernel(kernel), next(first) { first = this; }
};

#define KERNEL(name) \
    static void name(float *, const u64 *, u64, u64); \
    static const Entry entry_##name(#name, name); \
    static void name(float *floats, const u64 *words, u64 table, u64 jobs)
