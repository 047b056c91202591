# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What was measured, as a table, as JSON and as a picture.

import json
import statistics
import subprocess


class Target:
    """What a row has to reach. `value` is in the target's own terms, a ratio mostly; `least` says
    whether it must be at least or at most `bound`."""

    def __init__(self, row, words, value, bound, least=True, unit=""):
        self.row, self.words, self.value = row, words, value
        self.bound, self.least, self.unit = bound, least, unit

    @property
    def is_met(self):
        return self.value >= self.bound if self.least else self.value <= self.bound

    def line(self):
        sign = "≥" if self.least else "≤"
        mark = "met" if self.is_met else "MISSED"
        value, bound = (f"{number:.3g}{self.unit}" for number in (self.value, self.bound))
        return f"{self.row:6} {self.words:64} {value:>10} {sign} {bound:8} {mark}"


class Report:
    def __init__(self, facts):
        self.facts = facts
        self.works = {}  # work -> contender -> seconds of each round
        self.daemons = {}  # work -> contender -> seconds of the daemon's processor time
        self.requests = {}  # work -> kind -> count
        self.targets = []

    def add(self, work, contender, seconds, daemon_seconds=None):
        self.works.setdefault(work, {}).setdefault(contender, []).append(seconds)
        if daemon_seconds is not None:
            self.daemons.setdefault(work, {}).setdefault(contender, []).append(daemon_seconds)

    def median(self, work, contender):
        return statistics.median(self.works[work][contender])

    def speed(self, work, contender, beside):
        """How fast the contender is, as a part of another's speed in the same rounds."""
        return self.median(work, beside) / self.median(work, contender)

    def target(self, *arguments, **options):
        self.targets.append(Target(*arguments, **options))

    def print(self):
        for key, value in self.facts.items():
            print(f"{key}: {value}")
        print("\nmedian ms of the client (of the daemon's processor time)")
        for work, contenders in self.works.items():
            print(f"  {work}")
            for contender, seconds in contenders.items():
                daemon = self.daemons.get(work, {}).get(contender)
                used = f"  ({1000 * statistics.median(daemon):.0f})" if daemon else ""
                print(f"    {contender:16} {1000 * statistics.median(seconds):10.2f}{used}")
        print("\nrequests that the kernel sent")
        for work, counts in self.requests.items():
            each = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
            print(f"  {work}: {each or 'none'}")
        print("\ntargets")
        for target in self.targets:
            print("  " + target.line())

    def write_json(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "facts": self.facts, "seconds": self.works, "daemon_seconds": self.daemons,
                    "requests": self.requests,
                    "targets": [
                        {
                            "row": target.row, "target": target.words, "value": target.value,
                            "bound": target.bound, "at_least": target.least, "met": target.is_met,
                        }
                        for target in self.targets
                    ],
                },
                file, indent=2,
            )

    def draw(self, path):
        """Bars of speed for each work, as a part of the fastest, by gnuplot."""
        contenders = sorted({name for work in self.works.values() for name in work})
        lines = ["work " + " ".join(f'"{name}"' for name in contenders)]
        for work, measured in self.works.items():
            fastest = min(self.median(work, name) for name in measured)
            lines.append(f'"{work}" ' + " ".join(
                f"{fastest / self.median(work, name):.4f}" if name in measured else "nan"
                for name in contenders
            ))
        script = (
            "set terminal pngcairo size 1500,800 noenhanced\n"
            f"set output '{path}'\n"
            "set style data histogram\nset style histogram cluster gap 1\n"
            "set style fill solid 0.8 border -1\nset yrange [0:1.05]\nset key outside top center "
            "horizontal\nset ylabel 'speed, the fastest is 1'\nset xtics rotate by -35 noenhanced\n"
            "set bmargin 11\nset rmargin 8\n$table << EOD\n" + "\n".join(lines) + "\nEOD\n"
            f"plot for [i=2:{len(contenders) + 1}] $table using i:xtic(1) title columnheader(i)\n"
        )
        subprocess.run(["gnuplot"], input=script.encode(), check=True)
