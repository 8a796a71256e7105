"""The command behind ``make bench``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tools.benchmarks import report
from tools.benchmarks.environments import set_up
from tools.benchmarks.loading import version
from tools.benchmarks.results import HERE, Results, read, write
from tools.benchmarks.running import run, start_times
from tools.benchmarks.workloads import ALL_PEERS, ALL_PIPELINES, PARTS, WORKLOADS, quick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.benchmarks.results import Parts
    from tools.benchmarks.workloads import Situation


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table.

    Args:
        arguments: The command line; the process's own unless given.

    Returns:
        The exit status: 1 where the tap's own result was not complete.
    """
    options = _parser().parse_args(arguments)
    is_kept = not (options.quick or options.workload or options.peer)
    parts = read() if is_kept else {}
    for part in options.part or [part for part in PARTS if part != "grid"]:
        situations = _chosen(options, part)
        if situations:
            _measure(part, situations, options.rounds, parts, is_kept=is_kept)
    sys.stdout.write(report.page(parts))
    blocks = [block for results in parts.values() for block in results.blocks]
    return 1 if any(block.fault(block.situation.ours) for block in blocks) else 0


def _measure(part: str, situations: Sequence[Situation], rounds: int, parts: Parts, *, is_kept: bool) -> None:
    """Measure a part, and put what was found in the place of what was found before."""
    versions = set_up(
        [peer for name, peer in report.EVERYONE.items() if any(name in each.peers for each in situations)]
    )
    if situations[0].load:
        versions["postgres"] = {"PostgreSQL": version()}
    rounds = 1 if all(situation.once for situation in situations) else rounds
    results = Results(_machine(), datetime.now(tz=UTC).date().isoformat(), rounds, versions)
    if part == "extraction" and is_kept:
        results.start = start_times()
    for block in run(situations, rounds):
        # What is measured by rounds comes again after each.
        if all(block is not known for known in results.blocks):
            results.blocks.append(block)
        parts[part] = results
        if is_kept:
            # What has been measured is kept, should the rest be interrupted.
            write(parts)
            (HERE / "results.md").write_text(report.page(parts), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    add("--part", action="append", choices=PARTS, help="only this part; may be repeated (all but the grid)")
    add("--rounds", type=int, default=3, help="how often each peer runs in each situation (3)")
    add("--workload", action="append", choices=WORKLOADS, help="only this workload; may be repeated")
    add("--peer", action="append", choices=ALL_PEERS + ALL_PIPELINES, help="only this peer; may be repeated")
    add("--quick", action="store_true", help="a few records of each, to see that it works")
    return parser


def _chosen(options: argparse.Namespace, part: str) -> list[Situation]:
    situations = list(PARTS[part])
    if options.workload:
        situations = [situation for situation in situations if situation.workload.name in options.workload]
    if options.peer:
        asked = tuple(options.peer)
        anyone = part in {"extraction", "grid"}
        situations = [
            replace(situation, peers=tuple(peer for peer in candidates if peer in asked))
            for situation in situations
            if (candidates := ALL_PEERS if anyone and not situation.calls_per_minute else situation.peers)
        ]
    situations = [quick(situation) if options.quick else situation for situation in situations if situation.peers]
    # Shrunk, some are the same.
    return [each for place, each in enumerate(situations) if not any(map(each.is_like, situations[:place]))]


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    return f"{os.cpu_count()} cores of {model}{memory}, {platform.system()} {platform.release().split('-')[0]}"


if __name__ == "__main__":
    sys.exit(main())
