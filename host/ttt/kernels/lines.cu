// What runs along the lines of a grid in all eight directions.
//
// Channels come in two halves: those of even number run along their direction, those of odd number against it; what comes of
// the former is written first.
#include "common.cuh"

const u32 DIRECTIONS = 8, RUNNING = 4;

struct Lines {
    // Canvases × rows × columns × directions × channels.
    u64 from, to;
    // Of each example so many canvases, one a colour.
    u64 canvases, colours, height, width;
    // Examples × rows × columns: 1 inside of an example's grids, 0 outside.
    u64 inside;
    u64 slope, from_slope, adds;
};

// Rows and columns that a step goes: down, then on by an eighth of a turn.
inline __device__ int step_down(u32 way) {
    return way < 2 || way == 7 ? 1 : way == 2 || way == 6 ? 0 : -1;
}

inline __device__ int step_right(u32 way) {
    return way > 0 && way < 4 ? 1 : way == 0 || way == 4 ? 0 : -1;
}

// What a channel of a direction does.
struct Way {
    int down, right;
    bool is_diagonal;
    // Where the result's channel lies.
    u32 written;
};

inline __device__ Way way_of(u32 direction, u32 channel) {
    const bool is_against = channel % 2 == 1;
    const u32 way = is_against ? (direction + DIRECTIONS / 2) % DIRECTIONS : direction;
    return {step_down(way), step_right(way), way % 2 == 1, channel / 2 + (is_against ? RUNNING / 2 : 0)};
}

// One line: where it begins, and how long it is; 0 where there is no such line.
struct Line {
    Way way;
    u32 canvas, row, column, length, read, written;
};

inline __device__ Line line_of(const Lines &d, u32 i) {
    const u32 channel = i % RUNNING, direction = i / RUNNING % DIRECTIONS;
    const u32 height = d.height, width = d.width, lines = height + width - 1;
    u32 at = i / RUNNING / DIRECTIONS % lines;
    Line line;
    line.way = way_of(direction, channel);
    line.canvas = i / RUNNING / DIRECTIONS / lines;
    line.read = direction * RUNNING + channel;
    line.written = direction * RUNNING + line.way.written;
    const u32 top = line.way.down > 0 ? 0 : height - 1, left = line.way.right > 0 ? 0 : width - 1;
    line.length = 0;
    if (line.way.right == 0) {
        if (at >= width) return line;
        line.row = top;
        line.column = at;
    } else if (at < height) {
        line.row = at;
        line.column = left;
    } else {
        if (line.way.down == 0) return line;
        // The corner has its line already.
        at -= height;
        line.row = top;
        line.column = line.way.right > 0 ? at + 1 : at;
    }
    const u32 down = line.way.down > 0 ? height - line.row : line.way.down < 0 ? line.row + 1 : NONE;
    const u32 across = line.way.right > 0 ? width - line.column : line.way.right < 0 ? line.column + 1 : NONE;
    line.length = down < across ? down : across;
    return line;
}

// A place on a line.
struct OnLine {
    u32 place;
    float inside;
};

inline __device__ OnLine on_line(const Lines &d, const float *floats, const Line &line, u32 i) {
    const u32 row = (u32)((int)line.row + (int)i * line.way.down), column = (u32)((int)line.column + (int)i * line.way.right);
    const u32 canvas = (u32)(d.height * d.width), at = row * (u32)d.width + column;
    const u32 example = line.canvas / (u32)d.colours;
    return {(line.canvas * canvas + at) * DIRECTIONS * RUNNING, floats[d.inside + example * canvas + at]};
}

// Taken from what lies outside, so that it is never the highest.
inline __device__ float outside(float inside) {
    return 1e3f * (1.0f - inside);
}

// The ends between which numbers of a line are told as shares, and where they lie.
struct Ends {
    u32 high, low;
    float highest, lowest;
    // How far both are moved apart, and what is added to what lies between them.
    float margin, apart;
};

inline __device__ Ends ends_of(const Lines &d, const float *floats, const Line &line) {
    Ends ends = {0, 0, -INFINITY, INFINITY, line.way.is_diagonal ? 0.0f : 1e-3f, line.way.is_diagonal ? 1e-5f : 0.0f};
    for (u32 i = 0; i < line.length; i++) {
        const OnLine at = on_line(d, floats, line, i);
        const float x = floats[d.from + at.place + line.read] * at.inside, off = outside(at.inside);
        if (x - off > ends.highest) {
            ends.highest = x - off;
            ends.high = i;
        }
        if (x + off < ends.lowest) {
            ends.lowest = x + off;
            ends.low = i;
        }
    }
    return ends;
}

// The highest number so far, between -1 for the line's lowest and 1 for its highest. A thread goes along a line.
KERNEL(cummax_forth) {
    ROW(Lines);
    EACH(i, d.canvases * (d.height + d.width - 1) * DIRECTIONS * RUNNING) {
        const Line line = line_of(d, i);
        const Ends ends = ends_of(d, floats, line);
        float most = -INFINITY;
        for (u32 at = 0; at < line.length; at++) {
            const OnLine here = on_line(d, floats, line, at);
            const float off = outside(here.inside);
            most = fmaxf(most, floats[d.from + here.place + line.read] * here.inside - off);
            const float highest = ends.highest + off + ends.margin, lowest = ends.lowest - off - ends.margin;
            const float share = (most + off - lowest) / (highest - lowest + ends.apart) * 2.0f - 1.0f;
            floats[d.to + here.place + line.written] = line.way.is_diagonal ? share * here.inside : share;
        }
    }
}

// Where the highest number so far is, is found again rather than kept: the line is read for its ends anyway.
KERNEL(cummax_back) {
    ROW(Lines);
    EACH(i, d.canvases * (d.height + d.width - 1) * DIRECTIONS * RUNNING) {
        const Line line = line_of(d, i);
        const Ends ends = ends_of(d, floats, line);
        if (!d.adds)
            for (u32 at = 0; at < line.length; at++)
                floats[d.from_slope + on_line(d, floats, line, at).place + line.read] = 0.0f;
        float most = -INFINITY, by_high = 0.0f, by_low = 0.0f, by_most = 0.0f;
        u32 which = 0;
        for (u32 at = 0; at < line.length; at++) {
            const OnLine here = on_line(d, floats, line, at);
            const float off = outside(here.inside);
            const float x = floats[d.from + here.place + line.read] * here.inside - off;
            if (x > most) {
                const OnLine before = on_line(d, floats, line, which);
                floats[d.from_slope + before.place + line.read] += by_most * before.inside;
                most = x;
                which = at;
                by_most = 0.0f;
            }
            float slope = floats[d.slope + here.place + line.written];
            if (line.way.is_diagonal) slope *= here.inside;
            // In this order: beside what is taken from what lies outside, a margin would be lost.
            const float highest = ends.highest + off + ends.margin, lowest = ends.lowest - off - ends.margin;
            const float width = highest - lowest + ends.apart;
            const float share = (most + off - lowest) / width;
            by_most += slope * 2.0f / width;
            by_high -= slope * 2.0f * share / width;
            by_low += slope * 2.0f * (share - 1.0f) / width;
        }
        if (line.length == 0) continue;
        // The last of the highest is the line's. What may cancel out is summed before it is put away.
        const OnLine high = on_line(d, floats, line, ends.high), low = on_line(d, floats, line, ends.low);
        by_high += by_most;
        if (ends.low == ends.high) by_high += by_low;
        else floats[d.from_slope + low.place + line.read] += by_low * low.inside;
        floats[d.from_slope + high.place + line.read] += by_high * high.inside;
    }
}

// A place's neighbour in or against a channel's way.
struct Beside {
    Way way;
    u32 channel, read, written;
    bool is_there;
    OnLine here, there;
};

inline __device__ Beside beside(const Lines &d, const float *floats, u32 i, int steps) {
    const u32 channel = i % RUNNING, direction = i / RUNNING % DIRECTIONS, place = i / RUNNING / DIRECTIONS;
    const u32 height = d.height, width = d.width, canvas = height * width;
    const u32 at = place % canvas, inside = place / canvas / (u32)d.colours * canvas;
    Beside x;
    x.way = way_of(direction, channel);
    x.read = direction * RUNNING + channel;
    x.written = direction * RUNNING + x.way.written;
    const int row = (int)(at / width) + steps * x.way.down, column = (int)(at % width) + steps * x.way.right;
    x.is_there = row >= 0 && row < (int)height && column >= 0 && column < (int)width;
    x.here = {place * DIRECTIONS * RUNNING, floats[d.inside + inside + at]};
    x.there = x.here;
    if (x.is_there) {
        const u32 other = (u32)row * width + (u32)column;
        x.there = {(place - at + other) * DIRECTIONS * RUNNING, floats[d.inside + inside + other]};
    }
    return x;
}

// The number before.
KERNEL(shift_forth) {
    ROW(Lines);
    EACH(i, d.canvases * d.height * d.width * DIRECTIONS * RUNNING) {
        const Beside x = beside(d, floats, i, -1);
        const float before = x.is_there ? floats[d.from + x.there.place + x.read] * x.there.inside : 0.0f;
        floats[d.to + x.here.place + x.written] = before;
    }
}

KERNEL(shift_back) {
    ROW(Lines);
    EACH(i, d.canvases * d.height * d.width * DIRECTIONS * RUNNING) {
        const Beside x = beside(d, floats, i, 1);
        const float slope = x.is_there ? floats[d.slope + x.there.place + x.written] * x.here.inside : 0.0f;
        put(&floats[d.from_slope + i], slope, d.adds);
    }
}
