"""The rows that scripts/bench prints: median and spread, ratio to a baseline of the same run, goal, whether it holds."""

import dataclasses
import statistics


def shown(value):
    """Three figures that mean something."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


@dataclasses.dataclass
class Row:
    figure: str
    values: list          # one per round; the median counts
    unit: str = ""
    baselines: list = ()  # of the same run, alternating with the values
    baseline: str = ""    # what they are
    goal: str = ""
    holds: object = None  # goal(median, ratio); None: no goal

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def ratio(self):
        return self.median / statistics.median(self.baselines) if self.baselines else None

    def cells(self):
        spread = f"{shown(min(self.values))}..{shown(max(self.values))}" if len(self.values) > 1 else ""
        ratio = f"{shown(self.ratio)} x {self.baseline}" if self.baselines else ""
        verdict = "" if self.holds is None else "yes" if self.holds(self.median, self.ratio) else "NO"
        return [self.figure, shown(self.median), self.unit, spread, ratio, self.goal, verdict]


HEAD = ["figure", "median", "unit", "min..max", "ratio", "goal", "holds"]


def print_table(rows):
    lines = [HEAD] + [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    for line in lines:
        print("  ".join(cell.rjust(width) if i in (1, 3) else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
