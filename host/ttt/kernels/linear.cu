// Each place's channels times a matrix, plus a row, plus what was there before.
#include "common.cuh"

// Channels on either side, at most, and one more for the row.
const u32 WIDE = 32;
// Places that a block multiplies, and those whose products it sums at a time.
const u32 PLACES = 128, TOGETHER = 32;

struct Linear {
    // Places × k, places × m; what the product is added to, if anything.
    u64 from, to, onto;
    // k × m and m, either may be missing; the row counts `scale` times (the bits of a float).
    u64 weights, bias, scale;
    u64 places, k, m;
    u64 slope, from_slope, adds;
    // Parts × (k + 1 with a row) × m.
    u64 parts, partial;
    // Blocks of the slope by what was read, after which those of the weights' parts come.
    u64 blocks;
};

// A job is so many places.
KERNEL(linear_forth) {
    ROW(Linear);
    __shared__ float weights[WIDE * WIDE];
    const u32 k = d.k, m = d.m, matrix = d.weights == NONE ? 0 : k * m;
    for (u32 i = threadIdx.x; i < matrix; i += THREADS) weights[i] = floats[d.weights + i];
    __syncthreads();
    const float scale = __uint_as_float((u32)d.scale);
    const u32 end = (u32)d.places < (part + 1) * PLACES ? (u32)d.places : (part + 1) * PLACES;
    for (u32 i = part * PLACES * m + threadIdx.x; i < end * m; i += THREADS) {
        const u32 place = i / m, channel = i % m;
        float sum = d.onto == NONE ? 0.0f : floats[d.onto + i];
        if (matrix > 0)
            for (u32 j = 0; j < k; j++) sum += floats[d.from + place * k + j] * weights[j * m + channel];
        if (d.bias != NONE) sum += scale * floats[d.bias + channel];
        floats[d.to + i] = sum;
    }
}

// The slope by what was read, of so many places.
inline __device__ void back_by_read(const Linear &d, float *floats, u32 part) {
    __shared__ float weights[WIDE * WIDE];
    const u32 k = d.k, m = d.m;
    for (u32 i = threadIdx.x; i < k * m; i += THREADS) weights[i] = floats[d.weights + i];
    __syncthreads();
    const u32 end = (u32)d.places < (part + 1) * PLACES ? (u32)d.places : (part + 1) * PLACES;
    for (u32 i = part * PLACES * k + threadIdx.x; i < end * k; i += THREADS) {
        const u32 place = i / k, channel = i % k;
        float sum = 0.0f;
        for (u32 j = 0; j < m; j++) sum += floats[d.slope + place * m + j] * weights[channel * m + j];
        put(&floats[d.from_slope + i], sum, d.adds);
    }
}

// The slopes by matrix and row over a part of the places. Where they are fewer than threads, several threads share each, and
// are summed in their order.
inline __device__ void back_by_weights(const Linear &d, float *floats, u32 part) {
    __shared__ float read[TOGETHER * WIDE], slope[TOGETHER * WIDE], lanes[THREADS];
    const u32 k = d.k, m = d.m, rows = k + (d.bias == NONE ? 0 : 1), sums = rows * m;
    const u32 groups = sums < THREADS ? THREADS / sums : 1;
    const u32 group = groups > 1 ? threadIdx.x / sums : 0, first = groups > 1 ? threadIdx.x % sums : threadIdx.x;
    const Range places = part_of(part, d.parts, d.places);
    float sum[4] = {};
    for (u32 begin = places.begin; begin < places.end; begin += TOGETHER) {
        const u32 count = places.end - begin < TOGETHER ? places.end - begin : TOGETHER;
        for (u32 i = threadIdx.x; i < count * rows; i += THREADS)
            read[i] = i % rows < k ? floats[d.from + (begin + i / rows) * k + i % rows] : 1.0f;
        for (u32 i = threadIdx.x; i < count * m; i += THREADS) slope[i] = floats[d.slope + begin * m + i];
        __syncthreads();
        if (group < groups)
            for (u32 place = group; place < count; place += groups)
                for (u32 s = 0; s < 4; s++) {
                    const u32 at = first + s * THREADS;
                    if (at < sums) sum[s] += read[place * rows + at / m] * slope[place * m + at % m];
                }
        __syncthreads();
    }
    float *partial = floats + d.partial + (u64)part * sums;
    if (groups == 1) {
        for (u32 s = 0; s < 4; s++)
            if (first + s * THREADS < sums) partial[first + s * THREADS] = sum[s];
        return;
    }
    lanes[threadIdx.x] = sum[0];
    __syncthreads();
    if (threadIdx.x < sums) {
        float all = 0.0f;
        for (u32 g = 0; g < groups; g++) all += lanes[g * sums + threadIdx.x];
        partial[threadIdx.x] = all;
    }
}

KERNEL(linear_back) {
    ROW(Linear);
    if (part < d.blocks) back_by_read(d, floats, part);
    else back_by_weights(d, floats, part - (u32)d.blocks);
}
