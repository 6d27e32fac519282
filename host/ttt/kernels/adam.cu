// Adam: steps as long as the rate says, however steep the slope.
#include "common.cuh"

struct Adam {
    u64 weights, gradient, mean, square, length;
    // Floats: the rate of this step and what keeps it finite, both with the bias of the first steps corrected; what weights
    // keep of themselves.
    u64 settings;
    // A float that the gradient is multiplied with, if any.
    u64 shortened;
    // Bits of floats: what the means keep of the past.
    u64 first, second;
};

KERNEL(adam) {
    ROW(Adam);
    const float rate = floats[d.settings], least = floats[d.settings + 1], kept = floats[d.settings + 2];
    const float first = __uint_as_float((u32)d.first), second = __uint_as_float((u32)d.second);
    const float scale = d.shortened == NONE ? 1.0f : floats[d.shortened];
    EACH(i, d.length) {
        const float slope = floats[d.gradient + i] * scale;
        const float mean = first * floats[d.mean + i] + (1.0f - first) * slope;
        const float square = second * floats[d.square + i] + (1.0f - second) * slope * slope;
        floats[d.mean + i] = mean;
        floats[d.square + i] = square;
        floats[d.weights + i] = floats[d.weights + i] * kept - rate * mean / (sqrtf(square) + least);
    }
}

struct Shorten {
    u64 gradient, length, to;
    // Bits of a float.
    u64 longest;
};

// What a gradient is multiplied with to be no longer than the longest. One block.
KERNEL(shorten) {
    ROW(Shorten);
    float sum = 0.0f;
    for (u32 i = threadIdx.x; i < d.length; i += THREADS) {
        const float slope = floats[d.gradient + i];
        sum += slope * slope;
    }
    const float length = sqrtf(column_sum(sum, 1)), longest = __uint_as_float((u32)d.longest);
    if (threadIdx.x == 0) floats[d.to] = length > longest ? longest / length : 1.0f;
}
