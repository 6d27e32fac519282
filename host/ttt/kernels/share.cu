// What tensors tell one another, along one axis at a time: repeated along it, or summed, each place by its weight.
#include "common.cuh"

struct Share {
    // A tensor, and the one with an axis less; around that axis places lie as outer × along × inner.
    u64 large, small, along, inner, channels;
    // Numbers of the large, and of the small one.
    u64 length, fewer;
    // Examples × height × width: how much each place counts; where there are none, the bits of a float for all.
    u64 weights, weight, height, width;
    Where where;
};

inline __device__ float weight_of(const Share &d, const float *floats, u32 place) {
    if (d.weights == NONE) return __uint_as_float((u32)d.weight);
    const OnCanvas at = on_canvas(d.where, place);
    return floats[d.weights + (at.example * d.height + at.row) * d.width + at.column];
}

KERNEL(share_up) {
    ROW(Share);
    EACH(i, d.length) {
        const u32 place = i / (u32)d.channels, inner = (u32)d.inner;
        const u32 small = place / (inner * (u32)d.along) * inner + place % inner;
        floats[d.large + i] += weight_of(d, floats, place) * floats[d.small + small * d.channels + i % (u32)d.channels];
    }
}

KERNEL(share_down) {
    ROW(Share);
    EACH(i, d.fewer) {
        const u32 small = i / (u32)d.channels, inner = (u32)d.inner;
        const u32 first = small / inner * inner * (u32)d.along + small % inner;
        float sum = 0.0f;
        for (u32 at = 0; at < d.along; at++) {
            const u32 place = first + at * inner;
            sum += weight_of(d, floats, place) * floats[d.large + place * d.channels + i % (u32)d.channels];
        }
        floats[d.small + i] += sum;
    }
}
