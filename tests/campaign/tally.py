"""What a campaign has tried, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from tests.campaign.scenarios import Scenario


@dataclass
class Tally:
    """Counts scenarios, each of them once."""

    tried: set[Scenario] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Scenario, str]] = field(default_factory=list)
    """Scenarios that ended as none may, and in what way."""

    def add(self, scenario: Scenario, end: str, fault: str) -> None:
        """Count what came of a scenario."""
        self.tried.add(scenario)
        self.ends[end] += 1
        if fault:
            self.wrong.append((scenario, fault))

    @override
    def __str__(self) -> str:
        """Say what was tried."""
        accidents = [accident for scenario in self.tried for accident in scenario.accidents]
        counts = {
            "how it ended": self.ends,
            "what went wrong": Counter(accident.name for accident in accidents),
            "where": Counter(accident.place for accident in accidents),
            "on which calls": Counter(accident.shape for accident in accidents),
            "accidents in one run": Counter(str(len(scenario.accidents)) for scenario in self.tried),
        }
        lines = [f"{len(self.tried)} scenarios, {len(accidents)} accidents"]
        for title, counter in counts.items():
            lines += [f"  {title}:", *(f"    {count:5} {name}" for name, count in sorted(counter.items()))]
        lines += [f"WRONG: {fault}\n  {scenario}" for scenario, fault in self.wrong]
        return "\n".join(lines)
