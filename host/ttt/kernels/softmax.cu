// The softmax of every channel over each subset of a tensor's axes but examples.
//
// What a sum over several axes comes of is the sum over one axis less: a launch for each number of axes.
#include "common.cuh"

// Channels that softmax is taken of.
const u32 SOFT = 2;

struct Fold {
    // Outer × along × inner, outer × inner; channels are the last of `inner`. Numbers that are written.
    u64 from, to, along, inner, length;
};

// The logarithm of the sum of exponentials along an axis.
KERNEL(softmax_fold) {
    ROW(Fold);
    EACH(i, d.length) {
        const u32 inner = (u32)d.inner;
        const float *from = floats + d.from + (u64)(i / inner) * inner * d.along + i % inner;
        float most = from[0], sum = 0.0f;
        for (u32 at = 1; at < d.along; at++) most = fmaxf(most, from[at * d.inner]);
        for (u32 at = 0; at < d.along; at++) sum += expf(from[at * d.inner] - most);
        floats[d.to + i] = logf(sum) + most;
    }
}

KERNEL(softmax_sum) {
    ROW(Fold);
    EACH(i, d.length) {
        const u32 inner = (u32)d.inner;
        const float *from = floats + d.from + (u64)(i / inner) * inner * d.along + i % inner;
        float sum = 0.0f;
        for (u32 at = 0; at < d.along; at++) sum += from[at * d.inner];
        floats[d.to + i] = sum;
    }
}

struct Softmax {
    // Places × channels, places × subsets × channels.
    u64 from, to, places, subsets;
    // Words: for each subset a `Subset`.
    u64 groups;
    u64 slope, from_slope, adds;
    // How long the axes are; 1 for those that are missing.
    u64 axes[5];
};

struct Subset {
    // What was summed, and how far it is from one place of each axis to the next; 0 for axes that were summed over.
    u64 sums, strides[5];
};

// Where the sum of a place's group lies.
inline __device__ u64 group_of(const Subset &subset, const u64 axes[5], u32 place) {
    u32 group = 0;
    for (int axis = 4; axis >= 0; axis--) {
        group += place % (u32)axes[axis] * (u32)subset.strides[axis];
        place /= (u32)axes[axis];
    }
    return subset.sums + group * SOFT;
}

KERNEL(softmax_forth) {
    ROW(Softmax);
    EACH(i, d.places * d.subsets * SOFT) {
        const u32 channel = i % SOFT, place = i / SOFT / (u32)d.subsets;
        const Subset &subset = ((const Subset *)(words + d.groups))[i / SOFT % (u32)d.subsets];
        const float total = floats[group_of(subset, d.axes, place) + channel];
        floats[d.to + i] = expf(floats[d.from + place * SOFT + channel] - total);
    }
}

struct SoftmaxAlong {
    // Places × subsets × channels, of which one subset is summed along one axis.
    u64 soft, slope, subsets, subset, to, along, inner, length;
};

// What each group's shares and their slopes come to, along the first axis.
KERNEL(softmax_along) {
    ROW(SoftmaxAlong);
    EACH(i, d.length) {
        const u32 channel = i % SOFT, group = i / SOFT, inner = (u32)d.inner;
        const u32 first = group / inner * inner * (u32)d.along + group % inner;
        float sum = 0.0f;
        for (u32 at = 0; at < d.along; at++) {
            const u64 x = ((first + at * inner) * d.subsets + d.subset) * SOFT + channel;
            sum += floats[d.soft + x] * floats[d.slope + x];
        }
        floats[d.to + i] = sum;
    }
}

KERNEL(softmax_back) {
    ROW(Softmax);
    EACH(i, d.places * SOFT) {
        const u32 channel = i % SOFT, place = i / SOFT;
        float sum = 0.0f;
        for (u32 s = 0; s < d.subsets; s++) {
            const Subset &subset = ((const Subset *)(words + d.groups))[s];
            const u64 x = (place * d.subsets + s) * SOFT + channel;
            const float along = floats[group_of(subset, d.axes, place) + channel];
            sum += floats[d.to + x] * (floats[d.slope + x] - along);
        }
        put(&floats[d.from_slope + i], sum, d.adds);
    }
}
