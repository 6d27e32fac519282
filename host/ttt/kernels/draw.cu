// Draws what is said of a task: numbers sent through a noisy channel, and the nats that they cost.
#include "norm.cu"

// Channels of what is said.
const u32 SAID = 4;
const float NATS = 1e4f, LEAST_NATS = 0.5f, HASTE = 10.0f;

struct Draw {
    // Places × channels, and channels.
    u64 mean, capacity, target;
    u64 places, parts;
    // Parts × 3 × channels: of means their mean and spread, of capacities their sum.
    u64 stats;
    // Where what arrives goes, the number of its first number among all that are drawn, and parts of the nats.
    u64 to, first, nats;
    u64 seed, settings;
    u64 slope;
    // Parts × 4 × channels.
    u64 sums;
    u64 mean_slope, capacity_slope, target_slope;
};

inline __device__ u64 mixed(u64 bits) {
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9ull;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebull;
    return bits ^ bits >> 31;
}

// What number i of a draw is made of.
inline __device__ float normal(u64 key, u64 i) {
    const u64 bits = mixed(key + (i / 2 + 1) * 0x9e3779b97f4a7c15ull);
    const float first = ((float)(bits >> 40) + 1.0f) / 16777216.0f;
    // In half turns.
    const float angle = (float)(bits >> 16 & 0xffffff) / 8388608.0f;
    const float length = sqrtf(-2.0f * logf(first));
    return length * (i % 2 ? sinpif(angle) : cospif(angle));
}

// What is the same for all numbers of a channel.
struct Channel {
    Column column;
    // What is added to a capacity; what is sent is scaled by, and the slope of that by ten times the target.
    float level, gain, gain_slope;
    u64 key;
    float numbers;
};

// Of thread t, channel t % SAID.
inline __device__ Channel channel_of(const Draw &d, const float *floats) {
    Channel channel;
    channel.column = settle(floats + d.stats, d.parts, d.places, SAID, 3);
    const u32 c = threadIdx.x % SAID;
    float capacities = 0.0f;
    for (u32 p = threadIdx.x / SAID; p < d.parts; p += THREADS / SAID)
        capacities += floats[d.stats + (p * 3 + 2) * SAID + c];
    const float target = floats[d.target + c];
    channel.level = HASTE * target - column_sum(capacities, SAID) / (float)d.places;
    channel.numbers = (float)(d.places * SAID);
    const float grown = expf(HASTE * target) * NATS, decay = -2.0f / channel.numbers;
    const float lost = decay * (grown + LEAST_NATS);
    channel.gain = -expm1f(lost);
    channel.gain_slope = -decay * expf(lost) * grown;
    const u64 draw = (u64)floats[d.settings] + 1;
    channel.key = mixed(mixed(d.seed ^ 0x9e3779b97f4a7c15ull) + draw);
    return channel;
}

// One number on its way.
struct Sent {
    float mean, drawn, nats, nats_slope, signal, noise, noise_variance;
};

inline __device__ Sent sent(const Draw &d, const float *floats, const Channel &channel, u32 i) {
    Sent sent;
    sent.mean = (floats[d.mean + i] - channel.column.mean) * channel.column.scale;
    sent.drawn = normal(channel.key, d.first + i);
    const float grown = expf(floats[d.capacity + i] + channel.level) * NATS;
    sent.nats = (grown + LEAST_NATS) / channel.numbers;
    sent.nats_slope = grown / channel.numbers;
    sent.noise = expf(-sent.nats);
    sent.noise_variance = sent.noise * sent.noise;
    sent.signal = sqrtf(-expm1f(-2.0f * sent.nats));
    return sent;
}

// The slopes by a number's normed mean and by its capacity.
struct Slopes {
    float mean, capacity;
};

inline __device__ Slopes slopes_of(const Channel &channel, const Sent &x, float slope) {
    const float by_nats = slope * channel.gain * (x.noise_variance / x.signal * x.mean - x.noise * x.drawn)
        + x.noise_variance * (x.mean * x.mean - 1.0f) + 1.0f;
    return {channel.gain * x.signal * slope + (1.0f - x.noise_variance) * x.mean, by_nats * x.nats_slope};
}

KERNEL(draw_measure) {
    ROW(Draw);
    const Range places = part_of(part, d.parts, d.places);
    float *stats = floats + d.stats + part * 3 * SAID;
    measure(floats + d.mean, places, SAID, stats);
    float sum = 0.0f;
    for (u32 i = places.begin * SAID + threadIdx.x; i < places.end * SAID; i += THREADS) sum += floats[d.capacity + i];
    sum = column_sum(sum, SAID);
    if (threadIdx.x < SAID) stats[2 * SAID + threadIdx.x] = sum;
}

KERNEL(draw_forth) {
    ROW(Draw);
    const Channel channel = channel_of(d, floats);
    const Range places = part_of(part, d.parts, d.places);
    float nats = 0.0f;
    for (u32 i = places.begin * SAID + threadIdx.x; i < places.end * SAID; i += THREADS) {
        const Sent x = sent(d, floats, channel, i);
        floats[d.to + i] = channel.gain * (x.signal * x.mean + x.noise * x.drawn);
        nats += 0.5f * (x.noise_variance + (1.0f - x.noise_variance) * x.mean * x.mean - 1.0f) + x.nats;
    }
    nats = column_sum(nats, 1);
    if (threadIdx.x == 0) floats[d.nats + part] = nats;
}

KERNEL(draw_back_measure) {
    ROW(Draw);
    const Channel channel = channel_of(d, floats);
    const Range places = part_of(part, d.parts, d.places);
    float sums[4] = {};
    for (u32 i = places.begin * SAID + threadIdx.x; i < places.end * SAID; i += THREADS) {
        const Sent x = sent(d, floats, channel, i);
        const float slope = floats[d.slope + i];
        const Slopes slopes = slopes_of(channel, x, slope);
        sums[0] += slopes.mean;
        sums[1] += slopes.mean * x.mean;
        sums[2] += slopes.capacity;
        sums[3] += slope * (x.signal * x.mean + x.noise * x.drawn);
    }
    for (u32 s = 0; s < 4; s++) {
        const float sum = column_sum(sums[s], SAID);
        if (threadIdx.x < SAID) floats[d.sums + (part * 4 + s) * SAID + threadIdx.x] = sum;
    }
}

KERNEL(draw_back) {
    ROW(Draw);
    const Channel channel = channel_of(d, floats);
    const u32 c = threadIdx.x % SAID;
    float sums[4] = {};
    for (u32 s = 0; s < 4; s++) {
        for (u32 p = threadIdx.x / SAID; p < d.parts; p += THREADS / SAID)
            sums[s] += floats[d.sums + (p * 4 + s) * SAID + c];
        sums[s] = column_sum(sums[s], SAID);
    }
    const float share = 1.0f / (float)d.places;
    const Range places = part_of(part, d.parts, d.places);
    for (u32 i = places.begin * SAID + threadIdx.x; i < places.end * SAID; i += THREADS) {
        const Sent x = sent(d, floats, channel, i);
        const Slopes slopes = slopes_of(channel, x, floats[d.slope + i]);
        floats[d.mean_slope + i] = channel.column.scale * (slopes.mean - sums[0] * share - x.mean * sums[1] * share);
        floats[d.capacity_slope + i] = slopes.capacity - sums[2] * share;
    }
    if (part == 0 && threadIdx.x < SAID)
        floats[d.target_slope + c] = HASTE * (sums[2] + sums[3] * channel.gain_slope);
}
