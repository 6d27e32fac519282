"""The compression model once more, in plain PyTorch and float64: what the reference computes is held against it.

Reads one JSON object from standard input: `grids` ([[input, output or null], …] as colours), `shown` (how many pairs are
shown), `weights` and `noise` (flat, in the order in which the reference holds them), `update` (updates before this one).
Writes `said`, `missing` and `gradient`, the last of said + 10 × missing.

`compression.py TASK [--updates 20] [--device cuda]` trains on a task's file in single precision instead, and writes the
milliseconds of an update: what a framework takes on a device, for `just gpu` to be compared with.

Nothing here is fast, and nothing is shared with the reference: axes are named, and each operation is written as it is
explained.
"""

import argparse
import itertools
import json
import math
import sys
import time

import torch

EXAMPLE, COLOUR, ROW, COLUMN, DIRECTION = range(5)
SENSIBLE = [
    axes
    for bits in range(32)
    for axes in [tuple(a for a in range(5) if bits >> a & 1)]
    if set(axes) - {EXAMPLE} and (EXAMPLE in axes or not {ROW, COLUMN} & set(axes))
]


def transposed(axes):
    return tuple(sorted({ROW: COLUMN, COLUMN: ROW}.get(a, a) for a in axes))


class Puzzle:
    def __init__(self, grids, shown):
        def sides(grid):
            return (len(grid), len(grid[0]))

        inputs = [sides(a) for a, _ in grids]
        outputs = [sides(b) for _, b in grids[:shown]]
        kept = inputs[:shown] == outputs
        self.largest = tuple(max(s[i] for s in inputs + outputs) for i in range(2))
        guess = lambda i: inputs[i] if kept else outputs[0] if len(set(outputs)) == 1 else self.largest
        self.sides = [(inputs[i], outputs[i] if i < shown else guess(i)) for i in range(len(grids))]
        self.known = (kept or len(set(inputs)) == 1, kept or len(set(outputs)) == 1)
        self.masked = self.known[1]
        self.palette = sorted({c for pair in grids for g in pair if g for row in g for c in row} | {0})
        self.grids = [[g and [[self.palette.index(c) for c in row] for row in g] for g in pair] for pair in grids]
        height, width = self.largest
        self.length = [len(grids), len(self.palette) - 1, height, width, 8]
        self.inside = torch.zeros(len(grids), height, width)
        for e, both in enumerate(self.sides):
            for h, w in both:
                self.inside[e, :h, :w] = 1


class Model:
    def __init__(self, puzzle, weights):
        self.puzzle, self.weights, self.at = puzzle, weights, 0

    def take(self, *shape):
        n = math.prod(shape)
        self.at += n
        return self.weights[self.at - n : self.at].reshape(shape)

    def tied(self, make):
        """One of `make` for each tensor; along columns what there is along rows."""
        parts = {}
        for axes in SENSIBLE:
            twin = COLUMN in axes and ROW not in axes
            parts[axes] = parts[transposed(axes)] if twin else make(axes)
        return parts

    def shape(self, axes):
        return [self.puzzle.length[a] for a in axes]

    def stream(self, axes):
        return 8 if DIRECTION in axes else 16

    def draw(self, noise):
        said, out, at = 0, {}, 0
        for axes in SENSIBLE:
            shape = self.shape(axes) + [4]
            n, places = math.prod(shape), tuple(range(len(axes)))
            mean, capacity, target = self.take(*shape), self.take(*shape), 10 * self.take(4)
            drawn = noise[at : at + n].reshape(shape)
            at += n
            gain = 1 - torch.exp(-2 * (torch.exp(target) * 1e4 + 0.5) / n)
            nats = (torch.exp(target + capacity - capacity.mean(places)) * 1e4 + 0.5) / n
            variance = torch.exp(-2 * nats)
            mean = normed(mean)
            out[axes] = gain * (torch.sqrt(1 - variance) * mean + torch.sqrt(variance) * drawn)
            said = said + (0.5 * (variance + (1 - variance) * mean**2 - 1) + nats).sum()
        weights = self.tied(lambda axes: self.take(4, self.stream(axes)))
        bias = self.tied(lambda axes: self.take(self.stream(axes)))
        return said, {axes: x @ weights[axes] + bias[axes] for axes, x in out.items()}

    def around(self, x, inner, outer, middle, takes=lambda axes: True):
        down = self.tied(lambda axes: takes(axes) and self.take(self.stream(axes), inner))
        up = self.tied(lambda axes: takes(axes) and self.take(outer(axes), self.stream(axes)))
        between = middle({axes: v @ down[axes] for axes, v in x.items() if takes(axes)})
        return {axes: v + between[axes] @ up[axes] if takes(axes) else v for axes, v in x.items()}

    def layer(self, x):
        fixed = lambda n: lambda axes: n
        norm = lambda x: {axes: normed(v) for axes, v in x.items()}
        x = self.around(x, 16, fixed(16), lambda v: norm(self.spread(v)))
        softmaxes = lambda axes: 2 * (2 ** len(set(axes) - {EXAMPLE}) - 1)
        x = self.around(x, 2, softmaxes, lambda v: {axes: softmax(axes, t) for axes, t in v.items()})
        directed = lambda axes: {EXAMPLE, ROW, COLUMN, DIRECTION} <= set(axes)
        for along in (cummax, shift):
            x = self.around(x, 4, fixed(4), lambda v: norm(self.directed(v, along)), directed)
        x = self.mix(x)
        x = self.around(x, 16, fixed(16), lambda v: {axes: torch.nn.functional.silu(t) for axes, t in v.items()})
        x = self.around(x, 8, fixed(8), lambda v: norm(self.gather(v)))
        return norm(x)

    def spread(self, x):
        def widened(v, small, large):
            for i, axis in enumerate(large):
                if axis not in small:
                    v = v.unsqueeze(i)
            return v

        return {l: sum(widened(x[s], s, l) for s in SENSIBLE if set(s) <= set(l)) for l in SENSIBLE}

    def gather(self, x):
        def narrowed(v, large, small):
            for axis in (COLUMN, ROW, DIRECTION, COLOUR, EXAMPLE):
                if axis in large and axis not in small:
                    i = large.index(axis)
                    weight = torch.ones(())
                    if self.puzzle.masked and axis in (ROW, COLUMN):
                        weight = self.puzzle.inside
                        weight = weight if COLUMN in large else weight[:, :, 0]
                        weight = weight if ROW in large else weight[:, 0]
                        for other in (COLOUR, DIRECTION):
                            if other in large:
                                weight = weight.unsqueeze(large.index(other))
                        weight = weight.unsqueeze(-1)
                        v = (v * weight).sum(i) / (weight.sum(i) + 1e-4)
                    else:
                        v = v.mean(i)
                    large = tuple(a for a in large if a != axis)
            return v

        return {s: sum(narrowed(x[l], l, s) for l in SENSIBLE if set(s) <= set(l)) for s in SENSIBLE}

    def directed(self, x, along):
        steps = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
        out = {}
        for axes, v in x.items():
            if COLOUR not in axes:
                v = v.unsqueeze(1)
            examples, colours, height, width = v.shape[:4]
            inside = self.puzzle.inside
            v = v * inside[:, None, :, :, None, None]
            rows = {}
            for d, half in itertools.product(range(8), range(2)):
                down, right = steps[(d + 4 * half) % 8]
                for r, c in itertools.product(range(height), range(width)):
                    if 0 <= r - down < height and 0 <= c - right < width:
                        continue
                    line = []
                    while 0 <= r < height and 0 <= c < width:
                        line.append((r, c))
                        r, c = r + down, c + right
                    where = tuple(torch.tensor(i) for i in zip(*line))
                    picked = v[:, :, where[0], where[1], d, half::2]
                    mask = inside[:, None, where[0], where[1], None]
                    done = along(picked, mask, d % 2 == 1)
                    for i, place in enumerate(line):
                        rows[(*place, d, half)] = done[:, :, i]
            result = torch.stack(
                [
                    torch.stack(
                        [
                            torch.stack([torch.cat([rows[(r, c, d, h)] for h in range(2)], -1) for d in range(8)], -2)
                            for c in range(width)
                        ],
                        2,
                    )
                    for r in range(height)
                ],
                2,
            )
            out[axes] = result if COLOUR in axes else result.squeeze(1)
        return out

    def mix(self, x):
        blocks, out = {}, dict(x)
        for axes in SENSIBLE:
            if DIRECTION not in axes:
                continue
            blocks[axes] = {}
            pairs = list(itertools.product(range(8), range(8)))
            for pair in pairs:
                if representative(axes, *pair) == (axes, *pair):
                    blocks[axes][pair] = self.take(8, 8)
            for pair in pairs:
                of, *other = representative(axes, *pair)
                blocks[axes][pair] = blocks[of][tuple(other)]
            z = normed(x[axes])
            tells = [1, 0.2, 0.4, 0.2, 1, 0.2, 0.4, 0.2]
            added = [
                sum(tells[(b - a) % 8] * z[..., b, :] @ blocks[axes][a, b] for b in range(8)) for a in range(8)
            ]
            out[axes] = x[axes] + torch.stack(added, -2)
        return out

    def heads(self, x):
        colours, rows, columns = (EXAMPLE, COLOUR, ROW, COLUMN), (EXAMPLE, ROW), (EXAMPLE, COLUMN)
        is_head = lambda axes: axes in (colours, rows, columns)
        weights = self.tied(lambda axes: is_head(axes) and self.take(16, 2))
        bias = self.tied(lambda axes: is_head(axes) and self.take(2))
        scale = {colours: 100, rows: 1, columns: 1}
        return [x[axes] @ weights[axes] + scale[axes] * bias[axes] for axes in (colours, rows, columns)]


def normed(x):
    places = tuple(range(x.dim() - 1))
    x = x - x.mean(places)
    return x / torch.sqrt(1e-8 + (x**2).mean(places))


def softmax(axes, x):
    """Colours, directions, rows, columns: subsets by size, then in that order."""
    order = [axes.index(a) for a in (COLOUR, DIRECTION, ROW, COLUMN) if a in axes]
    subsets = [s for size in range(1, len(order) + 1) for s in itertools.combinations(order, size)]
    shares = [torch.exp(x - torch.logsumexp(x, subset, keepdim=True)) for subset in subsets]
    return torch.cat(shares, -1)


def cummax(x, mask, is_diagonal):
    outside = 1e3 * (1 - mask)
    margin, apart = (0, 1e-5) if is_diagonal else (1e-3, 0)
    high = torch.amax(x - outside, 2, keepdim=True) + outside + margin
    low = torch.amin(x + outside, 2, keepdim=True) - outside - margin
    share = (torch.cummax(x - outside, 2)[0] + outside - low) / (high - low + apart) * 2 - 1
    return share * mask if is_diagonal else share


def shift(x, mask, is_diagonal):
    return torch.cat([torch.zeros_like(x[:, :, :1]), x[:, :, :-1]], 2)


def representative(axes, a, b):
    """Which weights lead from direction b to a, up to turning and mirroring the grid."""
    if (ROW in axes) == (COLUMN in axes):
        quarter = a // 2 * 2
        a, b = a - quarter, (b - quarter) % 8
        return (axes, a, (2 * a - b) % 8 if (b - a) % 8 > 4 else b)
    if COLUMN in axes:
        axes, a, b = transposed(axes), (a + 2) % 8, (b + 2) % 8
    if a > 4 or a in (0, 4) and b > 4:
        a, b = -a % 8, -b % 8
    if 2 < a < 6 or a in (2, 6) and 2 < b < 6:
        a, b = (4 - a) % 8, (4 - b) % 8
    return (axes, a, b)


def runs(lines, length):
    return torch.stack([
        lines[o : o + length].sum() - lines[:o].sum() - lines[o + length :].sum()
        for o in range(len(lines) - length + 1)
    ])


def missing(puzzle, colours, sides, update):
    colours = torch.cat([torch.zeros_like(colours[:, :1]), colours], 1)
    loss = 0
    early = max(0, 1 - update / 100)
    for e, r in itertools.product(range(puzzle.length[EXAMPLE]), range(2)):
        grid = puzzle.grids[e][r]
        if not grid:
            continue
        faith, sharpness = (1, 1) if puzzle.known[r] else (0.01**early, 0.1**early)
        size = puzzle.sides[e][r]
        likely = []
        for s in range(2):
            reach = max(puzzle.sides[e][k][s] for k in range(2))
            beyond = torch.tensor([0.0 if i < reach else -1e3 for i in range(puzzle.largest[s])])
            lines = faith * (sides[s][e, :, r] + beyond)
            lengths = [size[s]] if puzzle.known[r] else range(1, len(lines) + 1)
            total = torch.logsumexp(torch.cat([runs(lines, n) for n in lengths]), 0)
            likely.append(runs(lines, size[s]) - total)
        target = torch.tensor(grid)
        all_places = []
        for i, j in itertools.product(range(len(likely[0])), range(len(likely[1]))):
            crop = colours[e, :, i : i + size[0], j : j + size[1], r]
            wrong = torch.nn.functional.cross_entropy(crop[None], target[None], reduction="sum")
            all_places.append(likely[0][i] + likely[1][j] - wrong)
        loss = loss - torch.logsumexp(sharpness * torch.stack(all_places), 0) / sharpness
    return loss


def loss(puzzle, weights, noise, update):
    """What is said, what is missing, and how many of the weights were used."""
    model = Model(puzzle, weights)
    said, x = model.draw(noise)
    for _ in range(4):
        x = model.layer(x)
    colours, *sides = model.heads(x)
    return said, missing(puzzle, colours, sides, update), model.at


def compare(told):
    torch.set_default_dtype(torch.float64)
    weights = torch.tensor(told["weights"], requires_grad=True)
    puzzle = Puzzle(told["grids"], told["shown"])
    said, lost, used = loss(puzzle, weights, torch.tensor(told["noise"]), told["update"])
    assert used == len(weights), f"{used} of {len(weights)} weights are used"
    (said + 10 * lost).backward()
    return {"said": said.item(), "missing": lost.item(), "gradient": weights.grad.tolist()}


def timed(task, updates):
    # Numbers too small to matter would take a processor many times as long.
    torch.set_flush_denormal(True)
    grids = [[pair["input"], pair["output"]] for pair in task["train"]]
    puzzle = Puzzle(grids + [[pair["input"], None] for pair in task["test"]], len(grids))
    # A mean and a capacity for each of four latents of a place; of the network's own weights more than it has.
    places = sum(math.prod(puzzle.length[a] for a in axes) for axes in SENSIBLE)
    weights = 0.05 * torch.randn(8 * places + 1_000_000)
    noise = lambda: torch.randn(4 * places)
    with torch.no_grad():
        used = loss(puzzle, weights, noise(), 0)[2]
    weights = weights[:used].clone().requires_grad_()
    adam = torch.optim.Adam([weights], lr=0.01, betas=(0.5, 0.9))
    waits = torch.cuda.synchronize if weights.is_cuda else lambda: None
    # The first two ready what all others need.
    for update in range(-2, updates):
        if update == 0:
            waits()
            begun = time.monotonic()
        said, lost, _ = loss(puzzle, weights, noise(), max(update, 0))
        adam.zero_grad()
        (said + 10 * lost).backward()
        adam.step()
    waits()
    return {"device": str(weights.device), "weights": used, "update_ms": 1e3 * (time.monotonic() - begun) / updates}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("task", nargs="?")
    arguments.add_argument("--updates", type=int, default=20)
    arguments.add_argument("--device", default="cpu")
    given = arguments.parse_args()
    torch.set_default_device(given.device)
    if given.task is None:
        told = compare(json.load(sys.stdin))
    else:
        with open(given.task) as file:
            told = timed(json.load(file), given.updates)
    json.dump(told, sys.stdout)


main()
