// What all kernels share.
//
// Every kernel takes the same four arguments: the one memory of floats, the tables that say what to do, and where in them
// its own begin. A *row* of a table says where the numbers of one tensor lie and how many there are; a *job* says which row
// a block works on, and which part of it. So one launch does all tensors of a multitensor, and of several tasks, however
// different their sizes. All fields of a row are 64-bit words; places are counted in floats.
#pragma once

typedef unsigned long long u64;
typedef unsigned int u32;

// Threads of a block, in every launch.
const u32 THREADS = 256;
// Numbers that a block of a plain launch works on.
const u32 CHUNK = 1024;
// In place of a place: there is none.
const u64 NONE = ~0ull;

#ifdef __CUDACC__
#define KERNEL(name) \
    extern "C" __global__ void __launch_bounds__(THREADS, 1) name(float *floats, const u64 *words, u64 table, u64 jobs)
#else
#include "emulator.hpp"
#endif

// The row that this block works on, and which part of it.
#define ROW(Type) \
    const u64 job = words[jobs + blockIdx.x]; \
    const u32 part = (u32)job; \
    const Type d = ((const Type *)(words + table))[job >> 32]; \
    (void)part

// Each number of this block's chunk.
#define EACH(i, length) \
    for (u32 i = part * CHUNK + threadIdx.x; i < (u32)(length) && i < (part + 1) * CHUNK; i += THREADS)

// Places of one of the parts that a tensor is divided into.
struct Range {
    u32 begin, end;
};

inline __device__ Range part_of(u32 part, u64 parts, u64 places) {
    const u32 each = (u32)((places + parts - 1) / parts);
    const u32 begin = part * each, end = begin + each;
    return {begin, end < places ? end : (u32)places};
}

// Writes a number, or adds it to what is there.
inline __device__ void put(float *to, float x, u64 adds) {
    *to = adds ? *to + x : x;
}

// Threads that put together what all left: few enough that the rest is done by everyone.
const u32 FEW = 32;

// Each column's sum over the block's threads, in an order that never changes; thread t is of column t % columns, and so is
// the sum that it gets. `columns` is a power of 2, at most FEW.
inline __device__ float column_sum(float x, u32 columns) {
    __shared__ float lanes[THREADS];
    lanes[threadIdx.x] = x;
    __syncthreads();
    if (threadIdx.x < FEW)
        for (u32 i = threadIdx.x + FEW; i < THREADS; i += FEW) lanes[threadIdx.x] += lanes[i];
    __syncthreads();
    float sum = lanes[threadIdx.x % columns];
    for (u32 i = threadIdx.x % columns + columns; i < FEW; i += columns) sum += lanes[i];
    __syncthreads();
    return sum;
}

inline __device__ float block_max(float x) {
    __shared__ float lanes[THREADS];
    lanes[threadIdx.x] = x;
    __syncthreads();
    if (threadIdx.x < FEW)
        for (u32 i = threadIdx.x + FEW; i < THREADS; i += FEW) lanes[threadIdx.x] = fmaxf(lanes[threadIdx.x], lanes[i]);
    __syncthreads();
    float most = lanes[0];
    for (u32 i = 1; i < FEW; i++) most = fmaxf(most, lanes[i]);
    __syncthreads();
    return most;
}

// Where a place of a tensor lies along the axes that a canvas has; an axis that the tensor lacks counts as its first place.
struct Where {
    u64 by_example, by_row, rows, by_column, columns;
};

struct OnCanvas {
    u32 example, row, column;
};

inline __device__ OnCanvas on_canvas(const Where &d, u32 place) {
    return {place / (u32)d.by_example, place / (u32)d.by_row % (u32)d.rows, place / (u32)d.by_column % (u32)d.columns};
}
