// Channels shifted and scaled to mean 0 and variance 1 over all places.
//
// Two launches each way: parts measure their mean and their spread about it; then every block puts all parts together, in
// one order, and norms its own.
#pragma once
#include "common.cuh"

// Added to the variance: a channel that is the same everywhere becomes 0.
const float LEAST_VARIANCE = 1e-8f;

struct Norm {
    u64 from, to;
    // A power of 2.
    u64 channels;
    u64 places, parts;
    // Parts × 2 × channels, and the scale of each channel.
    u64 stats, scale;
    u64 slope, from_slope, adds;
};

struct Column {
    float mean, scale;
};

// The mean of each channel over some places, and the sum of squared distances from it.
inline __device__ void measure(const float *from, Range places, u32 channels, float *stats) {
    const float share = 1.0f / (float)(places.end - places.begin);
    float sum = 0.0f, spread = 0.0f;
    for (u32 i = places.begin * channels + threadIdx.x; i < places.end * channels; i += THREADS) sum += from[i];
    const float mean = column_sum(sum, channels) * share;
    for (u32 i = places.begin * channels + threadIdx.x; i < places.end * channels; i += THREADS)
        spread += (from[i] - mean) * (from[i] - mean);
    spread = column_sum(spread, channels);
    if (threadIdx.x < channels) {
        stats[threadIdx.x] = mean;
        stats[channels + threadIdx.x] = spread;
    }
}

// Puts together what parts measured, of which each left so many rows: for thread t channel t % channels.
inline __device__ Column settle(const float *stats, u64 parts, u64 places, u32 channels, u32 rows) {
    const u32 c = threadIdx.x % channels;
    float sum = 0.0f, spread = 0.0f;
    for (u32 p = threadIdx.x / channels; p < parts; p += THREADS / channels) {
        const Range range = part_of(p, parts, places);
        sum += (float)(range.end - range.begin) * stats[p * rows * channels + c];
    }
    const float mean = column_sum(sum, channels) / (float)places;
    for (u32 p = threadIdx.x / channels; p < parts; p += THREADS / channels) {
        const Range range = part_of(p, parts, places);
        const float off = stats[p * rows * channels + c] - mean;
        spread += stats[(p * rows + 1) * channels + c] + (float)(range.end - range.begin) * off * off;
    }
    spread = column_sum(spread, channels);
    return {mean, 1.0f / sqrtf(spread / (float)places + LEAST_VARIANCE)};
}

KERNEL(norm_measure) {
    ROW(Norm);
    const Range places = part_of(part, d.parts, d.places);
    measure(floats + d.from, places, d.channels, floats + d.stats + part * 2 * d.channels);
}

KERNEL(norm_forth) {
    ROW(Norm);
    const Column column = settle(floats + d.stats, d.parts, d.places, d.channels, 2);
    const Range places = part_of(part, d.parts, d.places);
    for (u32 i = places.begin * d.channels + threadIdx.x; i < places.end * d.channels; i += THREADS)
        floats[d.to + i] = (floats[d.from + i] - column.mean) * column.scale;
    if (part == 0 && threadIdx.x < d.channels) floats[d.scale + threadIdx.x] = column.scale;
}

KERNEL(norm_back_measure) {
    ROW(Norm);
    const Range places = part_of(part, d.parts, d.places);
    float sum = 0.0f, along = 0.0f;
    for (u32 i = places.begin * d.channels + threadIdx.x; i < places.end * d.channels; i += THREADS) {
        const float slope = floats[d.slope + i];
        sum += slope;
        along += slope * floats[d.to + i];
    }
    sum = column_sum(sum, d.channels);
    along = column_sum(along, d.channels);
    if (threadIdx.x < d.channels) {
        floats[d.stats + part * 2 * d.channels + threadIdx.x] = sum;
        floats[d.stats + (part * 2 + 1) * d.channels + threadIdx.x] = along;
    }
}

KERNEL(norm_back) {
    ROW(Norm);
    const u32 channels = d.channels, c = threadIdx.x % channels;
    float mean = 0.0f, along = 0.0f;
    for (u32 p = threadIdx.x / channels; p < d.parts; p += THREADS / channels) {
        mean += floats[d.stats + p * 2 * channels + c];
        along += floats[d.stats + (p * 2 + 1) * channels + c];
    }
    mean = column_sum(mean, channels) / (float)d.places;
    along = column_sum(along, channels) / (float)d.places;
    const float scale = floats[d.scale + c];
    const Range places = part_of(part, d.parts, d.places);
    for (u32 i = places.begin * channels + threadIdx.x; i < places.end * channels; i += THREADS)
        put(&floats[d.from_slope + i], scale * (floats[d.slope + i] - mean - floats[d.to + i] * along), d.adds);
}
