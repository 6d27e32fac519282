#!/usr/bin/env python3
"""Draws a run of the database as an SVG, for the README: scripts/picture.py RUN [--data-dir FOLDER] > docs/solve.svg"""

import json
import subprocess
import sys

STRATAGEM = ["target/release/stratagem", *sys.argv[2:]]
PALETTE = "#000 #0074d9 #ff4136 #2ecc40 #ffdc00 #969696 #f012be #ff851b #7fdbff #870c25".split()
CELL, GAP, TOP = 12, 36, 30


def report(*words):
    return json.loads(subprocess.check_output([*STRATAGEM, *words, "--json"]))


def panel(title, grid, left):
    yield f'<text x="{left}" y="18">{title}</text>'
    for row, cells in enumerate(grid):
        for column, cell in enumerate(cells):
            x, y = left + column * CELL, TOP + row * CELL
            yield f'<rect x="{x}" y="{y}" width="{CELL - 1}" height="{CELL - 1}" fill="{PALETTE[cell]}"/>'


def main(run_id):
    run = report("runs", "show", run_id)
    task = report("tasks", "show", run["task_id"])
    best = next(a for a in run["answers"] if a["rank"] == 1 and a["answer"]["test_index"] == 0)
    pair = task["train"][0]
    mark = "✓" if best["is_correct"] else "✗"
    panels = [("pair 1", pair["input"]), ("output", pair["output"]), ("test", task["test"][0]["input"]),
              (f"attempt 1 {mark}", best["answer"]["grid"])]
    parts, left = [], GAP
    for title, grid in panels:
        parts += panel(title, grid, left)
        left += max(len(grid[0]) * CELL, 90) + GAP
    height = TOP + max(len(grid) for _, grid in panels) * CELL + 34
    usage = run["usage"]
    told = f'{run["task_id"]} by {run["recipe"]["plugin"]["name"]}: {usage["cpu_seconds"]:.2f} CPU s, ' \
           f'{usage["memory_peak_bytes"] / 2**20:.0f} MiB, fuel {usage["fuel_spent"]:,}'
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{left}" height="{height}" font-family="monospace" font-size="13">')
    print(f'<rect width="{left}" height="{height}" fill="#f6f8fa"/>')
    print("\n".join(parts))
    print(f'<text x="{GAP}" y="{height - 12}" fill="#57606a">{told}</text>\n</svg>')


if __name__ == "__main__":
    main(sys.argv[1])
