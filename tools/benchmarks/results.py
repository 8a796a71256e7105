"""What runs of the benchmarks found, as it is kept in results.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import msgspec

from tools.benchmarks.measuring import Run  # noqa: TC001 - msgspec reads the annotations
from tools.benchmarks.workloads import Situation  # noqa: TC001 - the same

HERE = Path(__file__).parent
_LONG = 40.0
"""Seconds from which a run scatters little, and has nothing to warm up."""
_ENOUGH = 90.0
"""Seconds after which such a peer need not run again."""


def is_long(run: Run) -> bool:
    """Say whether a run takes so long that it scatters little."""
    return run.wall > _LONG


@dataclass
class Block:
    """All runs of one situation, by peer; a peer with a fault has none after it."""

    situation: Situation
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def fault(self, peer: str) -> str | None:
        """Say why a peer does not count, or None if it does."""
        return next((run.fault for run in self.runs.get(peer, []) if run.fault), None)

    def has_enough(self, peer: str) -> bool:
        """Say whether a peer need not run again: it has failed, or has taken so long that it will scatter little."""
        runs = self.runs.get(peer, [])
        return bool(self.fault(peer)) or (all(map(is_long, runs)) and sum(run.wall for run in runs) > _ENOUGH)

    def counts(self, peer: str) -> bool:
        """Say whether a peer took part and every one of its results was complete."""
        return bool(self.runs.get(peer)) and not self.fault(peer)

    def values(self, peer: str, measure: str) -> list[float]:
        """Give one measure of each of a peer's runs."""
        return [getattr(run, measure) for run in self.runs[peer]]

    def median(self, peer: str, measure: str) -> float:
        """Give the median of one measure of a peer's runs."""
        return median(self.values(peer, measure))

    def ratio(self, peer: str, measure: str) -> float | None:
        """Give a peer's median over ours, or None where one of them does not count."""
        ours = self.situation.ours
        if not (self.counts(peer) and self.counts(ours)):
            return None
        return self.median(peer, measure) / self.median(ours, measure)


@dataclass
class Results:
    """Everything that one run of a part of the benchmarks found."""

    machine: str
    day: str
    rounds: int
    versions: dict[str, dict[str, str]]
    """For each environment."""
    blocks: list[Block] = field(default_factory=list)
    start: dict[str, list[float]] = field(default_factory=dict)
    """Seconds that the command and the import take, in the order of the rounds."""
    note: str = ""
    """What a reader must know before believing any of it."""

    def block(self, situation: Situation) -> Block | None:
        """Find the runs of a situation, whoever took part."""
        return next((block for block in self.blocks if block.situation.is_like(situation)), None)


Parts = dict[str, Results]
"""The results of each part, which need not have been measured on the same day."""


def write(parts: Parts) -> None:
    """Keep it."""
    (HERE / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(parts), indent=1) + b"\n")


def read() -> Parts:
    """Read what was kept."""
    return msgspec.json.decode((HERE / "results.json").read_bytes(), type=Parts)
