"""Draws docs/scaling.svg from a result of benches/scaling: seconds per GB, and memory, over the size of the log.

    python3 benches/plot.py benches/results/DATE-scaling.csv docs/scaling.svg

SVG by hand: no package is needed, and the colours follow the reader's light or dark theme.
"""

import csv
import math
import statistics
import sys
from collections import defaultdict
from pathlib import Path

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 112, 44, 52
COLOURS = {"q1": "blue", "q2": "red"}
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 14px; font-weight: 600; fill: #1f2328 }
  .axis { stroke: #8c959f; fill: none } .grid { stroke: #8c959f; stroke-opacity: .25 }
  .line { fill: none; stroke-width: 2 } .one { stroke-dasharray: 5 4 }
  .line.blue { stroke: #0969da } .line.red { stroke: #bc4c00 }
  .dot.blue, text.blue { fill: #0969da } .dot.red, text.red { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .title { fill: #f0f6fc }
    .line.blue { stroke: #4493f8 } .line.red { stroke: #f0883e }
    .dot.blue, text.blue { fill: #4493f8 } .dot.red, text.red { fill: #f0883e }
  }"""

Series = dict[tuple[str, int], list[tuple[float, float]]]


def read(path: Path) -> tuple[Series, Series]:
    """By work and threads: (GB, seconds per GB) and (GB, MiB), medians over the runs."""
    runs = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            if row["work"] in COLOURS:
                key = (row["work"], int(row["threads"]), int(row["bytes"]))
                runs[key].append((float(row["seconds"]), int(row["anonymous_bytes"])))
    cost, memory = defaultdict(list), defaultdict(list)
    for (work, threads, size), values in sorted(runs.items()):
        gb = size / 1e9
        cost[work, threads].append((gb, statistics.median(seconds for seconds, _ in values) / gb))
        memory[work, threads].append((gb, max(anonymous for _, anonymous in values) / 2**20))
    return cost, memory


def step(top: float) -> float:
    """A round distance of grid lines: four to eight of them below `top`."""
    power = 10 ** math.floor(math.log10(top / 4))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if top / (power * factor) <= 8)


class Panel:
    """A chart with a logarithmic axis of sizes and one of values from 0 on."""

    def __init__(self, x: float, title: str, unit: str, series: Series):
        self.x, self.title, self.unit, self.series = x, title, unit, series
        points = [point for line in series.values() for point in line]
        self.sizes = sorted({round(gb, 1) for gb, _ in points})
        self.low, self.high = min(gb for gb, _ in points), max(gb for gb, _ in points)
        self.step = step(max(value for _, value in points) * 1.1)
        self.top = self.step * math.ceil(max(value for _, value in points) * 1.1 / self.step)

    def across(self, gb: float) -> float:
        """Where a size is."""
        share = math.log(gb / self.low) / math.log(self.high / self.low) if self.high > self.low else 0.5
        return self.x + LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(self, value: float) -> float:
        """Where a value is."""
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)

    def axes(self) -> list[str]:
        """Title, grid, numbers and units."""
        left, right, bottom = self.x + LEFT, self.x + WIDTH - RIGHT, HEIGHT - BOTTOM
        out = [f'<text class="title" x="{self.x + 12}" y="22">{self.title}</text>']
        for n in range(round(self.top / self.step) + 1):
            y = self.up(n * self.step)
            out.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
            out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{n * self.step:g}</text>')
        for gb in self.sizes:
            x = self.across(max(self.low, min(self.high, gb)))
            out.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{gb:g}</text>')
        middle = (TOP + bottom) / 2
        out.append(f'<path class="axis" d="M{left} {bottom}H{right}"/>')
        out.append(f'<text x="{(left + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">size of the log, GB</text>')
        turned = f'transform="rotate(-90 {self.x + 16} {middle})"'
        out.append(f'<text x="{self.x + 16}" y="{middle}" text-anchor="middle" {turned}>{self.unit}</text>')
        return out

    def lines(self) -> list[str]:
        """The series, each named at its last point; names that would touch are moved apart."""
        out, below = [], HEIGHT
        for (work, threads), points in sorted(self.series.items(), key=lambda item: item[1][-1][1]):
            colour, places = COLOURS[work], [(self.across(gb), self.up(value)) for gb, value in points]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            dashed = " one" if threads == 1 else ""
            out.append(f'<path class="line {colour}{dashed}" d="M{path}"/>')
            out += [f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
            x, y = places[-1]
            below = min(y + 4, below - 15)
            name = f"{work}, {threads} thread{'s' if threads > 1 else ''}"
            out.append(f'<text class="{colour}" x="{x + 10:.1f}" y="{below:.1f}">{name}</text>')
        return out


def draw(source: Path, target: Path) -> None:
    """Reads a result, and writes the picture."""
    cost, memory = read(source)
    panels = [Panel(0, "Time per GB of log", "seconds per GB", cost)]
    panels.append(Panel(WIDTH, "Memory", "peak anonymous memory, MiB", memory))
    body = "\n".join(line for panel in panels for line in panel.axes() + panel.lines())
    label = "Seconds per GB and peak memory over the size of the log"
    size = f'viewBox="0 0 {2 * WIDTH} {HEIGHT}" width="{2 * WIDTH}" height="{HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
    target.write_text(f"{head}\n<style>{STYLE}\n</style>\n{body}\n</svg>\n", encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
