"""Puts results into words: the tables of results.md, which the README quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.benchmarks.marks import marks
from tools.benchmarks.peers import PEERS
from tools.benchmarks.results import Results
from tools.benchmarks.workloads import DEFAULT, MANY, WALL, WORK, quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.benchmarks.results import Block
    from tools.benchmarks.workloads import Situation

_NOTES = """\
Each peer reads the same six streams (customers, organisations, assessors, learners, classrooms, placements) by
`POST …/Search/{page}/{size}` up to the empty page, from OneFile's stand-in on the same machine, a process of its own
whose work is not counted. Figures are medians, with the least and the most in brackets; a ratio is the peer's figure
over the tap's, so that more than 1 is in the tap's favour. In every round the order is another one. A result counts
only if every id and every value of every field is what the stand-in holds. A peer that has taken a minute and a half
in a situation is not run again there. Processor time is that of all processes of the peer, memory that of the largest.
The stand-in and the peer share the machine's cores."""

_NOTES_ON_GRID = """\
Made by `make bench ARGS=--grid`, one round each: wall time, and how many times that of the tap it is. A peer that makes
one call at a time is left out where its calls alone would take more than two minutes; with OneFile's budget only those
take part who can keep to one, and each begins with a minute in which nobody has made a call. Who comes first is another
one from line to line."""


def short_table() -> str:
    """Give what was committed in short, for the README: who takes how long, and how many times as long as the tap.

    Returns:
        Markdown.
    """
    results = Results.read()
    blocks = [block for situation in (WALL, MANY, WORK) if (block := results.block(situation))]
    lines = [_line(("", *(_title(block.situation) for block in blocks))), _line(("---", *["--:" for _ in blocks]))]
    lines += [
        _line((peer.label, *(_short_cell(block, peer.name) for block in blocks)))
        for peer in PEERS.values()
        if any(peer.name in block.runs for block in blocks)
    ]
    return f"{_where(results)}; {results.day}.{_note(results)}\n\n" + "\n".join(lines)


def _short_cell(block: Block, peer: str) -> str:
    if not block.counts(peer):
        return "failed" if block.fault(peer) else ""
    seconds = f"{_three_figures(block.median(peer, 'wall'))} s"
    ratio = "" if peer == "tap" else _ratio(block.ratio(peer, "wall"))
    return f"{seconds}, {ratio}" if ratio else seconds


def page(results: Results) -> str:
    """Give all that there is to say.

    Args:
        results: What was found.

    Returns:
        A page of Markdown.
    """
    parts = [
        "# Benchmarks",
        "Made by `make bench`; not to be edited by hand.",
        described(results),
        measured(results),
        _NOTES,
        "## Marks",
        reached(results),
        *_grid(results),
        "## What is measured",
        "\n".join(_peers(results)),
    ]
    return "\n\n".join(parts) + "\n"


def described(results: Results) -> str:
    """Say where and when the results were found, and what to beware of.

    Args:
        results: What was found.

    Returns:
        A sentence or two.
    """
    return f"{_where(results)} (situations marked ¹: one); {results.day}.{_note(results)}"


def _where(results: Results) -> str:
    python = next(iter(results.versions.values()))["Python"]
    rounds = f"{results.rounds} round{'s' if results.rounds > 1 else ''}"
    return f"{results.machine}; Python {python}; {rounds}"


def _note(results: Results) -> str:
    return f" **{results.note}**" if results.note else ""


def measured(results: Results) -> str:
    """Make the table of what was measured.

    Args:
        results: What was found.

    Returns:
        Markdown.
    """
    head = ("", "wall time, s", "ratio", "processor, s", "ratio", "memory, MB", "calls")
    lines = [_line(head), _line(("---", *["--:"] * 6))]
    for block in results.blocks:
        if not _is_of_grid(block):
            lines += _block(block, results.rounds)
    return "\n".join(lines)


def _grid(results: Results) -> Iterator[str]:
    blocks = [block for block in results.blocks if _is_of_grid(block)]
    if not blocks:
        return
    peers = [peer for peer in PEERS.values() if any(peer.name in block.runs for block in blocks)]
    lines = [_line(("", *(peer.label for peer in peers))), _line(("---", *["--:" for _ in peers]))]
    lines += [_line((_title(block.situation), *(_short_cell(block, peer.name) for peer in peers))) for block in blocks]
    yield "## Other latencies and page sizes"
    yield "\n".join(lines)
    yield _NOTES_ON_GRID


def _is_of_grid(block: Block) -> bool:
    return not any(block.situation.is_like(each) for other in DEFAULT for each in (other, quick(other)))


def reached(results: Results) -> str:
    """Make the table of the marks.

    Args:
        results: What was found.

    Returns:
        Markdown.
    """
    lines = [_line(("where", "measure", "mark", "found", "met")), _line(("---", "---", "---", "--:", "---"))]
    words = {True: "yes", False: "**no**", None: ""}
    lines += [_line((m.where, m.measure, m.wanted, m.figure, words[m.is_met])) for m in marks(results)]
    return "\n".join(lines)


def _block(block: Block, rounds: int) -> Iterator[str]:
    situation = block.situation
    once = "¹" if situation.once else ""
    yield _line((f"*{_title(situation)}*{once}", *[""] * 6))
    for peer in block.runs:
        fault = block.fault(peer)
        name = _name(block, peer, rounds)
        yield _line((name, f"failed: {fault}", *[""] * 5) if fault else (name, *_cells(block, peer)))


def _title(situation: Situation) -> str:
    workload = situation.workload
    organisations = f"{workload.organisations} organisation{'s' if workload.organisations > 1 else ''}"
    budget = f", {situation.calls_per_minute} calls a minute" if situation.calls_per_minute else ""
    return (
        f"{organisations}, {workload.learners:,} learners, {situation.latency_ms} ms,"
        f" page size {situation.page_size}{budget}"
    )


def _cells(block: Block, peer: str) -> tuple[str, ...]:
    calls = f"{block.median(peer, 'calls'):,.0f}"
    if block.situation.calls_per_minute:
        run = block.runs[peer][0]
        calls += f", {run.calls_per_minute or 0:.0f} a minute, {run.refused} refused"
    return (
        _spread(block.values(peer, "wall"), block.median(peer, "wall")),
        _ratio(block.ratio(peer, "wall")),
        _spread(block.values(peer, "cpu"), block.median(peer, "cpu")),
        _ratio(block.ratio(peer, "cpu")),
        f"{block.median(peer, 'rss') / 1e6:.0f}",
        calls,
    )


def _spread(values: list[float], middle: float) -> str:
    spread = f" ({_three_figures(min(values))} to {_three_figures(max(values))})" if len(values) > 1 else ""
    return f"{_three_figures(middle)}{spread}"


def _three_figures(seconds: float) -> str:
    return f"{seconds:.{2 if seconds < 10 else 1}f}"  # noqa: PLR2004 - as the name says


def _name(block: Block, peer: str, rounds: int) -> str:
    runs = len(block.runs[peer])
    return PEERS[peer].label if block.situation.once or runs == rounds else f"{PEERS[peer].label}, {runs} of {rounds}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio >= 1 else f"**{ratio:.2f}, beats the tap**"


def _peers(results: Results) -> Iterator[str]:
    yield _line(("peer", "what is measured", "versions"))
    yield _line(("---", "---", "---"))
    taking_part = {peer for block in results.blocks for peer in block.runs}
    for peer in PEERS.values():
        if peer.name in taking_part:
            versions = results.versions[peer.environment]
            told = ", ".join(f"{package} {versions[package]}" for package in peer.packages)
            yield _line((peer.label, peer.counted, told))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
