// Each number times its logistic function.
#include "common.cuh"

struct Silu {
    u64 from, to, length, slope, from_slope, adds;
};

inline __device__ float logistic(float x) {
    return 1.0f / (1.0f + expf(-x));
}

KERNEL(silu_forth) {
    ROW(Silu);
    EACH(i, d.length) floats[d.to + i] = floats[d.from + i] * logistic(floats[d.from + i]);
}

KERNEL(silu_back) {
    ROW(Silu);
    EACH(i, d.length) {
        const float x = floats[d.from + i], share = logistic(x);
        put(&floats[d.from_slope + i], floats[d.slope + i] * share * (1.0f + x * (1.0f - share)), d.adds);
    }
}
