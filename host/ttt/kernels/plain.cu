// Numbers put, copied, added and summed.
#include "common.cuh"

struct Plain {
    u64 from, to, length;
};

KERNEL(zero) {
    ROW(Plain);
    EACH(i, d.length) floats[d.to + i] = 0.0f;
}

KERNEL(copy) {
    ROW(Plain);
    EACH(i, d.length) floats[d.to + i] = floats[d.from + i];
}

KERNEL(add) {
    ROW(Plain);
    EACH(i, d.length) floats[d.to + i] += floats[d.from + i];
}

struct Combine {
    // Parts × stride, of which `length` are summed over parts, times `scale` (the bits of a float).
    u64 from, parts, stride, to, length, scale;
};

KERNEL(combine) {
    ROW(Combine);
    EACH(i, d.length) {
        float sum = 0.0f;
        for (u32 p = 0; p < d.parts; p++) sum += floats[d.from + p * d.stride + i];
        floats[d.to + i] = sum * __uint_as_float((u32)d.scale);
    }
}

// The sum of all numbers, in one block.
KERNEL(total) {
    ROW(Plain);
    float sum = 0.0f;
    for (u32 i = threadIdx.x; i < d.length; i += THREADS) sum += floats[d.from + i];
    sum = column_sum(sum, 1);
    if (threadIdx.x == 0) floats[d.to] = sum;
}
