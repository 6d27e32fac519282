// Every direction's channels times a matrix to every direction.
#include "common.cuh"

// Directions × channels.
const u32 SIDE = 64, BLOCK = 8;
// Rows of a block.
const u32 ROWS = 32;

struct Mix {
    // Rows × side, where a row is a place but for its direction.
    u64 from, to, onto, rows;
    // Words: for each sink and source where their block of weights begins. Side × side, made of those.
    u64 blocks, matrix;
    u64 slope, from_slope, adds;
    // Parts × side × side.
    u64 parts, partial;
};

// How much one direction tells another, by how many eighths of a turn lie between them.
inline __device__ float tells(u32 sink, u32 source) {
    const u32 turn = (source + BLOCK - sink) % BLOCK;
    return turn % 4 == 0 ? 1.0f : turn % 2 == 1 ? 0.2f : 0.4f;
}

KERNEL(mix_matrix) {
    ROW(Mix);
    EACH(i, SIDE * SIDE) {
        const u32 source = i / SIDE / BLOCK, sink = i % SIDE / BLOCK;
        const u64 block = words[d.blocks + sink * BLOCK + source];
        floats[d.matrix + i] = tells(sink, source) * floats[block + i / SIDE % BLOCK * BLOCK + i % BLOCK];
    }
}

// Sums of one block: rows × the matrix, or × its mirror image.
inline __device__ void multiply(
    const float *from, const float *matrix, bool is_turned, u32 first, u32 rows, float sums[2][4]
) {
    __shared__ float read[ROWS][SIDE], weights[SIDE][SIDE + 1];
    for (u32 i = threadIdx.x; i < SIDE * SIDE; i += THREADS) {
        const u32 row = i / SIDE, column = i % SIDE;
        weights[is_turned ? column : row][is_turned ? row : column] = matrix[i];
    }
    for (u32 i = threadIdx.x; i < ROWS * SIDE; i += THREADS)
        read[i / SIDE][i % SIDE] = first + i / SIDE < rows ? from[(first + i / SIDE) * SIDE + i % SIDE] : 0.0f;
    __syncthreads();
    const u32 row = threadIdx.x / 16, column = threadIdx.x % 16;
    for (u32 k = 0; k < SIDE; k++)
        for (u32 r = 0; r < 2; r++)
            for (u32 c = 0; c < 4; c++) sums[r][c] += read[row + r * 16][k] * weights[k][column + c * 16];
}

// A job is so many rows.
KERNEL(mix_forth) {
    ROW(Mix);
    float sums[2][4] = {};
    multiply(floats + d.from, floats + d.matrix, false, part * ROWS, d.rows, sums);
    for (u32 r = 0; r < 2; r++)
        for (u32 c = 0; c < 4; c++) {
            const u32 row = part * ROWS + threadIdx.x / 16 + r * 16;
            const u64 at = (u64)row * SIDE + threadIdx.x % 16 + c * 16;
            if (row < d.rows) floats[d.to + at] = floats[d.onto + at] + sums[r][c];
        }
}

KERNEL(mix_back) {
    ROW(Mix);
    float sums[2][4] = {};
    multiply(floats + d.slope, floats + d.matrix, true, part * ROWS, d.rows, sums);
    for (u32 r = 0; r < 2; r++)
        for (u32 c = 0; c < 4; c++) {
            const u32 row = part * ROWS + threadIdx.x / 16 + r * 16;
            const u64 at = (u64)row * SIDE + threadIdx.x % 16 + c * 16;
            if (row < d.rows) put(&floats[d.from_slope + at], sums[r][c], d.adds);
        }
}

// The slope by the matrix over a part of the rows.
KERNEL(mix_weights) {
    ROW(Mix);
    __shared__ float read[ROWS][SIDE], slope[ROWS][SIDE];
    const Range rows = part_of(part, d.parts, d.rows);
    const u32 row = threadIdx.x / 16, column = threadIdx.x % 16;
    float sums[4][4] = {};
    for (u32 begin = rows.begin; begin < rows.end; begin += ROWS) {
        for (u32 i = threadIdx.x; i < ROWS * SIDE; i += THREADS) {
            const bool is_there = begin + i / SIDE < rows.end;
            const u64 at = (u64)(begin + i / SIDE) * SIDE + i % SIDE;
            read[i / SIDE][i % SIDE] = is_there ? floats[d.from + at] : 0.0f;
            slope[i / SIDE][i % SIDE] = is_there ? floats[d.slope + at] : 0.0f;
        }
        __syncthreads();
        for (u32 k = 0; k < ROWS; k++)
            for (u32 r = 0; r < 4; r++)
                for (u32 c = 0; c < 4; c++) sums[r][c] += read[k][row + r * 16] * slope[k][column + c * 16];
        __syncthreads();
    }
    for (u32 r = 0; r < 4; r++)
        for (u32 c = 0; c < 4; c++)
            floats[d.partial + (u64)part * SIDE * SIDE + (row + r * 16) * SIDE + column + c * 16] = sums[r][c];
}

struct Unmix {
    // The slope by a block of weights; words: how often it is used, and each time in which matrix' slope, as which sink and
    // from which source.
    u64 to, uses, count;
};

KERNEL(unmix) {
    ROW(Unmix);
    EACH(i, BLOCK * BLOCK) {
        float sum = 0.0f;
        for (u32 use = 0; use < d.count; use++) {
            const u64 *at = words + d.uses + use * 3;
            const u32 sink = (u32)at[1], source = (u32)at[2];
            const u32 row = source * BLOCK + i / BLOCK, column = sink * BLOCK + i % BLOCK;
            sum += tells(sink, source) * floats[at[0] + row * SIDE + column];
        }
        floats[d.to + i] = sum;
    }
}
