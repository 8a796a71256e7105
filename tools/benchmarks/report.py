"""Puts results into words: the tables of results.md, which the README quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.benchmarks.marks import marks
from tools.benchmarks.peers import PEERS
from tools.benchmarks.pipelines import PIPELINES
from tools.benchmarks.results import read
from tools.benchmarks.workloads import LOADS, MANY, WALL, WORK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.benchmarks.results import Block, Parts, Results
    from tools.benchmarks.workloads import Situation

_NOTES = """\
Each peer reads the same six streams (customers, organisations, assessors, learners, classrooms, placements) by `POST
…/Search/{page}/{size}` up to the empty page, from OneFile's stand-in on the same machine, a process of its own whose
work is not counted. Figures are medians, with the least and the most in brackets; a ratio is the peer's figure over
the tap's, so that more than 1 is in the tap's favour. In every round the order is another one. A result counts only if
every id and every value of every field is what the stand-in holds. A peer that takes 40 seconds or more is not run
again in a situation once it has taken a minute and a half. Processor time is that of all processes of the peer, memory
that of the largest. The stand-in and the peer share the machine's cores."""

_NOTES_ON_UNKNOWNS = """\
The API reference does not say how OneFile spells a value, which fields its rows have, nor whether there is a search
without pages. In each line the stand-in settles one of this in another way, and nothing else. Fields that nobody has
described are not compared: the tap leaves them out and names them, the limit passes them on. The limit believes the
first empty page; the tap wants evidence, and where it can have no list of a search, it asks again after a pause."""

_NOTES_ON_PIPELINE = """\
Each peer reads the same six streams and brings them into tables of a PostgreSQL on the same machine, with its default
settings. Its work is not counted, nor is the stand-in's, but all share the cores. In each round every peer begins with
an empty database. All make their first load, one after the other, then all load the same again, then one learner in
twenty changes name and progress, and all load once more; who comes first is another one each time. A first round warms
up, and counts only where a load takes 40 seconds or more. After each load the rows of the peer's tables are read
again, and every id and every value of every field compared with what the stand-in holds at that moment:
`tools/benchmarks/loading.py` asks, and `tools/benchmarks/checking.py` compares. A load that differs does not count. A
ratio is the peer's wall time over that of `meltano run`, so that less than 1 is faster than we are. Everybody reads
everything each time. A peer that takes 40 seconds or more is not run again once it has taken a minute and a half for a
load.

With OneFile's budget only the tap takes part, as it alone can keep to one; each load begins with a minute in which
nobody has made a call. The budget holds in any 60 seconds, so that 780 calls take two minutes at the least, whoever
makes them. The mark's own sum, a minute for each 300 after the first 300, comes to 96 seconds: 1.15 times that is out
of reach."""

_NOTES_ON_GRID = """\
Made by `make bench ARGS='--part grid'`, one round each: wall time, and how many times that of the tap it is. A peer
that makes one call at a time is left out where its calls alone would take more than two minutes; with OneFile's budget
only those take part who can keep to one, and each begins with a minute in which nobody has made a call. Who comes first
is another one from line to line."""


EVERYONE = PEERS | PIPELINES
PIPELINE_PARTS = ("pipeline", "pipeline-budget")


def short_table() -> str:
    """Give what was committed in short, for the README: who takes how long, and how many times as long as the tap.

    Returns:
        Markdown.
    """
    results = read()["extraction"]
    blocks = [block for situation in (WALL, MANY, WORK) if (block := results.block(situation))]
    lines = [_line(("", *(_title(block.situation) for block in blocks))), _line(("---", *["--:" for _ in blocks]))]
    lines += [
        _line((peer.label, *(_short_cell(block, peer.name) for block in blocks)))
        for peer in PEERS.values()
        if any(peer.name in block.runs for block in blocks)
    ]
    return f"{_dated(results)}\n\n" + "\n".join(lines)


def pipeline_table() -> str:
    """Give the whole pipeline's part in short, for the README.

    Returns:
        Markdown.
    """
    return _pipelines(read()) or "Not measured yet: `make bench ARGS='--part pipeline'`."


def _pipelines(parts: Parts) -> str:
    found = [parts[part] for part in PIPELINE_PARTS if part in parts]
    if not found:
        return ""
    notes = "".join(f" With the budget: {results.note}" for results in found[1:] if results.note)
    return f"{described(found[0])}{notes}\n\n{_wide([block for results in found for block in results.blocks])}"


def _short_cell(block: Block, peer: str) -> str:
    if not block.counts(peer):
        return "failed" if block.fault(peer) else ""
    seconds = f"{_three_figures(block.median(peer, 'wall'))} s"
    ratio = "" if peer == block.situation.ours else _ratio(block.ratio(peer, "wall"))
    return f"{seconds}, {ratio}" if ratio else seconds


def page(parts: Parts) -> str:
    """Give all that there is to say.

    Args:
        parts: What was found.

    Returns:
        A page of Markdown.
    """
    said = ["# Benchmarks", "Made by `make bench`; not to be edited by hand."]
    if pipelines := _pipelines(parts):
        said += ["## The whole pipeline", pipelines, _NOTES_ON_PIPELINE]
        said += [measured(parts[part]) for part in PIPELINE_PARTS if part in parts]
    if "extraction" in parts:
        said += ["## The tap alone", described(parts["extraction"]), measured(parts["extraction"]), _NOTES]
    if "unknowns" in parts:
        said += ["## Whatever OneFile's answers look like", described(parts["unknowns"]), measured(parts["unknowns"])]
        said.append(_NOTES_ON_UNKNOWNS)
    said += ["## Marks", reached(parts)]
    if "grid" in parts:
        said += ["## Other latencies and page sizes", _dated(parts["grid"]), _wide(parts["grid"].blocks)]
        said.append(_NOTES_ON_GRID)
    said += ["## What is measured", "\n".join(_peers(parts))]
    return "\n\n".join(said) + "\n"


def described(results: Results) -> str:
    """Say where and when the results were found, and what to beware of.

    Args:
        results: What was found.

    Returns:
        A sentence or two.
    """
    return f"{_where(results)} (situations marked ¹: one); {results.day}.{_note(results)}"


def _dated(results: Results) -> str:
    return f"{_where(results)}; {results.day}.{_note(results)}"


def _where(results: Results) -> str:
    python = next(iter(results.versions.values()))["Python"]
    database = f"; PostgreSQL {told['PostgreSQL']}" if (told := results.versions.get("postgres")) else ""
    rounds = f"{results.rounds} round{'s' if results.rounds > 1 else ''}"
    return f"{results.machine}; Python {python}{database}; {rounds}"


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
        lines += _block(block, results.rounds)
    return "\n".join(lines)


def _wide(blocks: list[Block]) -> str:
    """Make a table with a line for each situation, and a column for each peer."""
    peers = [peer for peer in EVERYONE.values() if any(peer.name in block.runs for block in blocks)]
    lines = [_line(("", *(peer.label for peer in peers))), _line(("---", *["--:" for _ in peers]))]
    for block in blocks:
        once = "¹" if block.situation.load and block.situation.once else ""
        lines.append(_line((f"{_title(block.situation)}{once}", *(_short_cell(block, peer.name) for peer in peers))))
    return "\n".join(lines)


def reached(parts: Parts) -> str:
    """Make the table of the marks.

    Args:
        parts: What was found.

    Returns:
        Markdown.
    """
    lines = [_line(("where", "measure", "mark", "found", "met")), _line(("---", "---", "---", "--:", "---"))]
    words = {True: "yes", False: "**no**", None: ""}
    lines += [_line((m.where, m.measure, m.wanted, m.figure, words[m.is_met])) for m in marks(parts)]
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
    server = f", {situation.server}" if situation.server else ""
    load = f": {LOADS[situation.load]}" if situation.load else ""
    return (
        f"{organisations}, {workload.learners:,} learners, {situation.latency_ms} ms,"
        f" page size {situation.page_size}{budget}{server}{load}"
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
    return (
        EVERYONE[peer].label
        if block.situation.once or runs == rounds
        else f"{EVERYONE[peer].label}, {runs} of {rounds}"
    )


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio >= 1 else f"**{ratio:.2f}, faster**"


def _peers(parts: Parts) -> Iterator[str]:
    yield _line(("peer", "what is measured", "versions"))
    yield _line(("---", "---", "---"))
    for peer in EVERYONE.values():
        results = next((r for r in parts.values() if any(peer.name in block.runs for block in r.blocks)), None)
        if results:
            needed = {
                package: results.versions[environment][package]
                for environment, packages in peer.needs.items()
                for package in packages
            }
            told = ", ".join(f"{package} {version}" for package, version in needed.items())
            yield _line((peer.label, peer.counted, told))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
