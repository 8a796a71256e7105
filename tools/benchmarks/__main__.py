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
from tools.benchmarks.peers import PEERS
from tools.benchmarks.results import HERE, Results, digest_of_code
from tools.benchmarks.running import run, start_times
from tools.benchmarks.workloads import ALL_PEERS, DEFAULT, WORKLOADS, grid, quick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.benchmarks.workloads import Situation


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table.

    Args:
        arguments: The command line; the process's own unless given.

    Returns:
        The exit status: 1 where the tap's own result was not complete.
    """
    options = _parser().parse_args(arguments)
    situations = _chosen(options)
    taking_part = [PEERS[name] for name in ALL_PEERS if any(name in s.peers for s in situations)]
    results = Results(
        machine=_machine(),
        day=datetime.now(tz=UTC).date().isoformat(),
        rounds=options.rounds,
        versions=set_up(taking_part),
        code=digest_of_code(),
    )
    is_kept = not (options.quick or options.workload or options.peer)
    if options.grid and is_kept:
        results = _to_be_added_to(results)
    elif is_kept:
        results.start = start_times()
    for block in run(situations, options.rounds):
        if is_kept:
            # What has been measured is kept, should the rest be interrupted.
            results.put(block)
            results.write()
            (HERE / "results.md").write_text(report.page(results), encoding="utf-8")
        else:
            results.blocks.append(block)
    sys.stdout.write(report.page(results))
    return 1 if any(block.fault("tap") for block in results.blocks) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="how often each peer runs in each situation (3)")
    add("--workload", action="append", choices=WORKLOADS, help="only this workload; may be repeated")
    add("--peer", action="append", choices=ALL_PEERS, help="only this peer; may be repeated")
    add(
        "--grid", action="store_true", help="all other latencies and page sizes, added to what was found; takes 2 hours"
    )
    add("--quick", action="store_true", help="a few records of each, to see that it works")
    return parser


def _chosen(options: argparse.Namespace) -> list[Situation]:
    situations = list(grid() if options.grid else DEFAULT)
    if options.workload:
        situations = [situation for situation in situations if situation.workload.name in options.workload]
    if options.peer:
        situations = [
            replace(situation, peers=tuple(peer for peer in candidates if peer in options.peer))
            for situation in situations
            if (candidates := situation.peers if situation.calls_per_minute else ALL_PEERS)
        ]
    situations = [situation for situation in situations if situation.peers]
    return [quick(situation) for situation in situations] if options.quick else situations


def _to_be_added_to(results: Results) -> Results:
    """Give what was found before, if it was found on the same machine with the same versions."""
    before = Results.read()
    is_alike = all(
        told.items() <= before.versions.get(environment, {}).items() for environment, told in results.versions.items()
    )
    if before.machine != results.machine or before.code != results.code or not is_alike:
        sys.exit("The results so far are from another machine, or from other code or versions: run make bench first.")
    return before


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
