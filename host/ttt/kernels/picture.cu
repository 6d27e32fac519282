// How far what is drawn is from a grid that is shown, wherever on the canvas it lies. A block a grid.
#include "common.cuh"

const u32 LONGEST_SIDE = 30, MOST_COLOURS = 10;
// How much drawing weighs, beside what is said.
const float WEIGHT = 10.0f;

struct Picture {
    // Of one example and one role: colours × places × 2, rows × 2, columns × 2; and where their slopes go.
    u64 colours_head, sides_head[2], colours_slope, sides_slope[2];
    // Words: the grid's cells, as places in the palette; its sides, those of the canvas, and the example's longest.
    u64 cells, lengths[2], along[2], reach[2];
    // Without black.
    u64 colours;
    // Whether the grid's sides need no guess.
    u64 is_known;
    // Floats: updates until now; how far guessed sides are trusted, and how much the likeliest place counts more.
    u64 settings;
    // Places × (colours and black); places.
    u64 shares, likely;
    u64 loss;
};

// How the grid may lie along one side.
struct Side {
    float lines[LONGEST_SIDE];
    // For each length and each beginning how likely that is.
    float all[LONGEST_SIDE * LONGEST_SIDE];
    // For each beginning of the grid's own length the logarithm of that; and its slope.
    float likely[LONGEST_SIDE], slope[LONGEST_SIDE];
};

// How much a run of lines speaks for being the grid, beside others.
//
// Each line from `reach` on, beyond the longest grid of the example, counts 1e3 less. Those of the run are counted apart, and
// what all runs have in common is left out: taken from the lines themselves, it would cost them their last digits.
inline __device__ float run(const float *lines, u32 along, u32 reach, u32 begin, u32 length, float faith) {
    float within = 0.0f, total = 0.0f;
    for (u32 i = begin; i < begin + length; i++) within += lines[i];
    for (u32 i = 0; i < along; i++) total += lines[i];
    const u32 end = begin + length, beyond = (end > reach ? end - reach : 0) - (begin > reach ? begin - reach : 0);
    return 2.0f * within - total - 2e3f * faith * (float)beyond;
}

inline __device__ void lay(const Picture &d, const float *floats, u32 s, float faith, Side &side) {
    const u32 along = (u32)d.along[s], length = (u32)d.lengths[s], reach = (u32)d.reach[s];
    if (threadIdx.x < along) side.lines[threadIdx.x] = faith * floats[d.sides_head[s] + threadIdx.x * 2];
    __syncthreads();
    float most = -INFINITY, sum = 0.0f;
    for (u32 i = threadIdx.x; i < along * along; i += THREADS) {
        const u32 begin = i % along, tried = i / along + 1;
        const bool counts = begin + tried <= along && (!d.is_known || tried == length);
        side.all[i] = counts ? run(side.lines, along, reach, begin, tried, faith) : -INFINITY;
        most = fmaxf(most, side.all[i]);
    }
    most = block_max(most);
    for (u32 i = threadIdx.x; i < along * along; i += THREADS) sum += expf(side.all[i] - most);
    const float total = logf(column_sum(sum, 1)) + most;
    if (threadIdx.x + length <= along) side.likely[threadIdx.x] = side.all[(length - 1) * along + threadIdx.x] - total;
    __syncthreads();
    for (u32 i = threadIdx.x; i < along * along; i += THREADS) side.all[i] = expf(side.all[i] - total);
    __syncthreads();
}

// The slope by a line: it speaks for what covers it, and against what does not.
inline __device__ float slope_of(const Side &side, u32 along, u32 length, u32 line) {
    float sum = 0.0f;
    for (u32 begin = 0; begin + length <= along; begin++)
        sum += line >= begin && line < begin + length ? side.slope[begin] : -side.slope[begin];
    for (u32 tried = 1; tried <= along; tried++)
        for (u32 begin = 0; begin + tried <= along; begin++) {
            const float share = side.all[(tried - 1) * along + begin];
            sum += line >= begin && line < begin + tried ? share : -share;
        }
    return sum;
}

KERNEL(picture) {
    ROW(Picture);
    __shared__ Side sides[2];
    __shared__ float lanes[THREADS];
    const float faith = d.is_known ? 1.0f : floats[d.settings + 1], sharpness = d.is_known ? 1.0f : floats[d.settings + 2];
    for (u32 s = 0; s < 2; s++) lay(d, floats, s, faith, sides[s]);

    // The logarithm of each colour's share at each place; black is as strong everywhere.
    const u32 width = (u32)d.along[1], canvas = (u32)d.along[0] * width, colours = (u32)d.colours + 1;
    float *shares = floats + d.shares, *likely = floats + d.likely;
    for (u32 place = threadIdx.x; place < canvas; place += THREADS) {
        float strengths[MOST_COLOURS] = {};
        float most = 0.0f, sum = 0.0f;
        for (u32 c = 1; c < colours; c++) {
            strengths[c] = floats[d.colours_head + ((c - 1) * canvas + place) * 2];
            most = fmaxf(most, strengths[c]);
        }
        for (u32 c = 0; c < colours; c++) sum += expf(strengths[c] - most);
        for (u32 c = 0; c < colours; c++) shares[place * colours + c] = strengths[c] - (logf(sum) + most);
    }
    __syncthreads();

    // How likely the grid is at each place where it fits: 32 threads a place.
    const u32 tall = (u32)d.lengths[0], wide = (u32)d.lengths[1], cells = tall * wide;
    const u32 rows = (u32)d.along[0] - tall + 1, columns = width - wide + 1, offsets = rows * columns;
    const u32 team = threadIdx.x / 32, lane = threadIdx.x % 32, teams = THREADS / 32;
    for (u32 first = 0; first < offsets; first += teams) {
        const u32 offset = first + team, row = offset / columns, column = offset % columns;
        float sum = 0.0f;
        if (offset < offsets)
            for (u32 i = lane; i < cells; i += 32) {
                const u32 place = (row + i / wide) * width + column + i % wide;
                sum += shares[place * colours + words[d.cells + i]];
            }
        lanes[threadIdx.x] = sum;
        __syncthreads();
        if (lane == 0 && offset < offsets) {
            for (u32 i = 1; i < 32; i++) sum += lanes[threadIdx.x + i];
            likely[offset] = sharpness * (sides[0].likely[row] + sides[1].likely[column] + sum);
        }
        __syncthreads();
    }
    float most = -INFINITY, sum = 0.0f;
    for (u32 i = threadIdx.x; i < offsets; i += THREADS) most = fmaxf(most, likely[i]);
    most = block_max(most);
    for (u32 i = threadIdx.x; i < offsets; i += THREADS) sum += expf(likely[i] - most);
    const float total = logf(column_sum(sum, 1)) + most;
    if (threadIdx.x == 0) floats[d.loss] = -total / sharpness;

    // The way back: each place counts by its share.
    for (u32 i = threadIdx.x; i < offsets; i += THREADS) likely[i] = expf(likely[i] - total);
    __syncthreads();
    if (threadIdx.x < rows) {
        float slope = 0.0f;
        for (u32 column = 0; column < columns; column++) slope -= likely[threadIdx.x * columns + column];
        sides[0].slope[threadIdx.x] = slope;
    }
    if (threadIdx.x < columns) {
        float slope = 0.0f;
        for (u32 row = 0; row < rows; row++) slope -= likely[row * columns + threadIdx.x];
        sides[1].slope[threadIdx.x] = slope;
    }
    __syncthreads();
    for (u32 s = 0; s < 2; s++)
        if (threadIdx.x < d.along[s])
            floats[d.sides_slope[s] + threadIdx.x * 2] =
                WEIGHT * faith * slope_of(sides[s], (u32)d.along[s], (u32)d.lengths[s], threadIdx.x);
    for (u32 place = threadIdx.x; place < canvas; place += THREADS) {
        const u32 down = place / width, right = place % width;
        float covered = 0.0f, hits[MOST_COLOURS] = {};
        for (u32 row = down < tall ? 0 : down - tall + 1; row < rows && row <= down; row++)
            for (u32 column = right < wide ? 0 : right - wide + 1; column < columns && column <= right; column++) {
                const float share = likely[row * columns + column];
                covered += share;
                hits[words[d.cells + (down - row) * wide + (right - column)]] += share;
            }
        for (u32 c = 1; c < colours; c++)
            floats[d.colours_slope + ((c - 1) * canvas + place) * 2] =
                WEIGHT * (covered * expf(shares[place * colours + c]) - hits[c]);
    }
}
