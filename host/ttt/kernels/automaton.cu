// The cellular automaton: a step, its way back, the loss.
#include "common.cuh"

const u32 CELL = 20, SIGHT = 9, SEEN = SIGHT * CELL, HIDDEN = 128, SHOWN = 10;
// Cells of a block.
const u32 TILE = 16;
const u32 SEE_BIAS = SEEN * HIDDEN, ACT = SEE_BIAS + HIDDEN, ACT_BIAS = ACT + HIDDEN * CELL, WEIGHTS = ACT_BIAS + CELL;

struct Automaton {
    // Cells × channels: what cells hold before a step and after it.
    u64 state, next;
    // Words: for each cell the cells that it sees, NONE beyond its grid.
    u64 seen;
    u64 cells, weights;
    // Cells × channels: by what cells hold after the step, and before it.
    u64 slope, slope_before;
    // Cells × hidden, cells × hidden, cells × seen.
    u64 hidden, hidden_slope, sight_slope;
    // Parts × weights, to which is added where `adds`.
    u64 parts, partial, adds;
};

// What the block's cells see, and what the hidden units make of it.
inline __device__ void look(
    const Automaton &d, float *floats, const u64 *words, u32 first, float sight[TILE][SEEN], float hidden[TILE][HIDDEN]
) {
    const float *state = floats + d.state, *see = floats + d.weights;
    for (u32 i = threadIdx.x; i < TILE * SEEN; i += THREADS) {
        const u32 cell = first + i / SEEN, at = i % SEEN;
        const u64 other = cell < d.cells ? words[d.seen + (u64)cell * SIGHT + at / CELL] : NONE;
        sight[i / SEEN][at] = other == NONE ? 0.0f : state[other * CELL + at % CELL];
    }
    __syncthreads();
    const u32 unit = threadIdx.x % HIDDEN, half = threadIdx.x / HIDDEN * (TILE / 2);
    float sum[TILE / 2];
    for (u32 c = 0; c < TILE / 2; c++) sum[c] = see[SEE_BIAS + unit];
    for (u32 i = 0; i < SEEN; i++) {
        const float weight = see[i * HIDDEN + unit];
        for (u32 c = 0; c < TILE / 2; c++) sum[c] += sight[half + c][i] * weight;
    }
    for (u32 c = 0; c < TILE / 2; c++) hidden[half + c][unit] = fmaxf(sum[c], 0.0f);
    __syncthreads();
}

// A job is a tile of cells.
KERNEL(automaton_step) {
    ROW(Automaton);
    __shared__ float sight[TILE][SEEN], hidden[TILE][HIDDEN];
    const u32 first = part * TILE;
    look(d, floats, words, first, sight, hidden);
    const float *act = floats + d.weights + ACT, *bias = floats + d.weights + ACT_BIAS;
    for (u32 i = threadIdx.x; i < TILE * CELL; i += THREADS) {
        const u32 cell = first + i / CELL, channel = i % CELL;
        if (cell >= d.cells) continue;
        float sum = floats[d.state + (u64)cell * CELL + channel] + bias[channel];
        for (u32 unit = 0; unit < HIDDEN; unit++) sum += hidden[i / CELL][unit] * act[unit * CELL + channel];
        floats[d.next + (u64)cell * CELL + channel] = sum;
    }
}

// Computes again what lies between two states, and the slopes by it. A job is a tile of cells.
KERNEL(automaton_back) {
    ROW(Automaton);
    __shared__ float sight[TILE][SEEN], hidden[TILE][HIDDEN], hidden_slope[TILE][HIDDEN], slope[TILE][CELL];
    const u32 first = part * TILE;
    look(d, floats, words, first, sight, hidden);
    for (u32 i = threadIdx.x; i < TILE * CELL; i += THREADS) {
        const u32 cell = first + i / CELL;
        slope[i / CELL][i % CELL] = cell < d.cells ? floats[d.slope + (u64)cell * CELL + i % CELL] : 0.0f;
    }
    __syncthreads();
    const float *see = floats + d.weights, *act = see + ACT;
    for (u32 i = threadIdx.x; i < TILE * HIDDEN; i += THREADS) {
        const u32 c = i / HIDDEN, unit = i % HIDDEN;
        float sum = 0.0f;
        for (u32 channel = 0; channel < CELL; channel++) sum += slope[c][channel] * act[unit * CELL + channel];
        hidden_slope[c][unit] = hidden[c][unit] > 0.0f ? sum : 0.0f;
        if (first + c < d.cells) {
            floats[d.hidden + (u64)(first + c) * HIDDEN + unit] = hidden[c][unit];
            floats[d.hidden_slope + (u64)(first + c) * HIDDEN + unit] = hidden_slope[c][unit];
        }
    }
    __syncthreads();
    if (threadIdx.x < SEEN) {
        float sum[TILE] = {};
        for (u32 unit = 0; unit < HIDDEN; unit++) {
            const float weight = see[threadIdx.x * HIDDEN + unit];
            for (u32 c = 0; c < TILE; c++) sum[c] += hidden_slope[c][unit] * weight;
        }
        for (u32 c = 0; c < TILE && first + c < d.cells; c++)
            floats[d.sight_slope + (u64)(first + c) * SEEN + threadIdx.x] = sum[c];
    }
}

// The slope by what a cell held: through itself, and through all that see it. Whom a cell sees at one side sees it at the
// other.
KERNEL(automaton_gather) {
    ROW(Automaton);
    EACH(i, d.cells * CELL) {
        const u32 cell = i / CELL, channel = i % CELL;
        float sum = floats[d.slope + i];
        for (u32 side = 0; side < SIGHT; side++) {
            const u64 other = words[d.seen + (u64)cell * SIGHT + (SIGHT - 1 - side)];
            if (other != NONE) sum += floats[d.sight_slope + other * SEEN + side * CELL + channel];
        }
        floats[d.slope_before + i] = sum;
    }
}

// What some of the cells say of the weights. A job is a part of the cells, times ten: one for each side that is seen, one for
// what is done.
KERNEL(automaton_weights) {
    ROW(Automaton);
    const u32 side = part % (SIGHT + 1);
    const Range cells = part_of(part / (SIGHT + 1), d.parts, d.cells);
    float *partial = floats + d.partial + (u64)(part / (SIGHT + 1)) * WEIGHTS;
    const float *state = floats + d.state, *slope = floats + d.slope;
    const u32 unit = threadIdx.x % HIDDEN, half = threadIdx.x / HIDDEN * (CELL / 2);
    float sum[CELL / 2] = {}, see_bias = 0.0f, act_bias = 0.0f;
    for (u32 cell = cells.begin; cell < cells.end; cell++) {
        const float hidden_slope = floats[d.hidden_slope + (u64)cell * HIDDEN + unit];
        if (side < SIGHT) {
            const u64 other = words[d.seen + (u64)cell * SIGHT + side];
            if (other == NONE) continue;
            for (u32 c = 0; c < CELL / 2; c++) sum[c] += state[other * CELL + half + c] * hidden_slope;
        } else {
            const float hidden = floats[d.hidden + (u64)cell * HIDDEN + unit];
            for (u32 c = 0; c < CELL / 2; c++) sum[c] += hidden * slope[(u64)cell * CELL + half + c];
            see_bias += hidden_slope;
            if (threadIdx.x < CELL) act_bias += slope[(u64)cell * CELL + threadIdx.x];
        }
    }
    if (side < SIGHT) {
        for (u32 c = 0; c < CELL / 2; c++) put(&partial[(side * CELL + half + c) * HIDDEN + unit], sum[c], d.adds);
        return;
    }
    for (u32 c = 0; c < CELL / 2; c++) put(&partial[ACT + unit * CELL + half + c], sum[c], d.adds);
    if (half == 0) put(&partial[SEE_BIAS + unit], see_bias, d.adds);
    if (threadIdx.x < CELL) put(&partial[ACT_BIAS + threadIdx.x], act_bias, d.adds);
}

struct CrossEntropy {
    // Cells × channels; words: a colour a cell.
    u64 state, wanted, cells, slope, loss;
};

// The mean over cells of the cross-entropy of the first ten channels, and its slope. One block.
KERNEL(cross_entropy) {
    ROW(CrossEntropy);
    const float share = 1.0f / (float)d.cells;
    float loss = 0.0f;
    for (u32 cell = threadIdx.x; cell < d.cells; cell += THREADS) {
        const float *state = floats + d.state + (u64)cell * CELL;
        float *slope = floats + d.slope + (u64)cell * CELL;
        const u32 wanted = (u32)words[d.wanted + cell];
        float most = state[0], sum = 0.0f;
        for (u32 c = 1; c < SHOWN; c++) most = fmaxf(most, state[c]);
        for (u32 c = 0; c < SHOWN; c++) sum += expf(state[c] - most);
        loss += (logf(sum) + most - state[wanted]) * share;
        for (u32 c = 0; c < CELL; c++)
            slope[c] = c < SHOWN ? (expf(state[c] - most) / sum - (c == wanted ? 1.0f : 0.0f)) * share : 0.0f;
    }
    loss = column_sum(loss, 1);
    if (threadIdx.x == 0) floats[d.loss] = loss;
}
