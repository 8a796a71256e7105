"""What a run of the benchmarks found, as it is kept in results.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from statistics import median

import msgspec

from tools import ROOT
from tools.benchmarks.measuring import Run  # noqa: TC001 - msgspec reads the annotations
from tools.benchmarks.workloads import Situation  # noqa: TC001 - the same

HERE = Path(__file__).parent


@dataclass
class Block:
    """All runs of one situation, by peer; a peer with a fault has none after it."""

    situation: Situation
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def fault(self, peer: str) -> str | None:
        """Say why a peer does not count, or None if it does."""
        return next((run.fault for run in self.runs.get(peer, []) if run.fault), None)

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
        """Give a peer's median over the tap's, or None where one of them does not count."""
        if not (self.counts(peer) and self.counts("tap")):
            return None
        return self.median(peer, measure) / self.median("tap", measure)


@dataclass
class Results:
    """Everything that one run of the benchmarks found."""

    machine: str
    day: str
    rounds: int
    versions: dict[str, dict[str, str]]
    """For each environment."""
    blocks: list[Block] = field(default_factory=list)
    start: dict[str, list[float]] = field(default_factory=dict)
    """Seconds that the command and the import take, in the order of the rounds."""
    code: str = ""
    """Stands for all that the tap, the stand-in and the peers are written in."""
    note: str = ""
    """What a reader must know before believing any of it."""

    def block(self, situation: Situation) -> Block | None:
        """Find the runs of a situation, whoever took part."""
        return next((block for block in self.blocks if block.situation.is_like(situation)), None)

    def put(self, block: Block) -> None:
        """Add the runs of a situation, in the place of those that there are."""
        for place, other in enumerate(self.blocks):
            if other.situation.is_like(block.situation):
                self.blocks[place] = block
                return
        self.blocks.append(block)

    def write(self, path: Path = HERE / "results.json") -> None:
        """Keep it."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @classmethod
    def read(cls, path: Path = HERE / "results.json") -> Results:
        """Read what was kept."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


def digest_of_code() -> str:
    """Give what is another one whenever the code of the tap, of the stand-in or of the peers is."""
    digest = blake2b(digest_size=8)
    for folder in (ROOT / "tap_onefile", ROOT / "sandbox" / "onefile_sandbox", HERE):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
