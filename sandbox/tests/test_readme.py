"""The README's tables say what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

from onefile_sandbox import Behaviour, World
from onefile_sandbox.api.behaviour import choices, spelled
from onefile_sandbox.cli import _parser
from onefile_sandbox.server.faults import KINDS
from onefile_sandbox.world.entities import ENTITY_OF

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def rows_under(heading: str) -> list[str]:
    """Give the rows of the table under a heading, without the two at its head."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


def test_every_behaviour_is_in_the_table() -> None:
    expected = []
    for name, hint in get_type_hints(Behaviour, include_extras=True).items():
        _, section, says = get_args(hint)
        default, *others = map(spelled, choices()[name])
        alternatives = ", ".join(f"`{other}`" if other != "a number" else other for other in others)
        row = (section, f"`{name}`", says, f"`{default}`", alternatives)
        expected.append(f"| {' | '.join(row)} |")
    assert rows_under("Open questions") == expected


def test_every_fault_is_in_the_table() -> None:
    assert rows_under("Faults") == [f"| `{kind}` | {says} |" for kind, says in KINDS.items()]


def calls_for(stream: str) -> list[str]:
    """Give the calls that tell a stream, as the README spells them."""
    entity = ENTITY_OF[stream]
    calls = []
    if entity.is_searched:
        calls.append(f"`POST {entity.name}/Search`")
        if entity.is_read:
            calls.append(f"`GET {entity.name}/{{id}}`")
    if entity.part:
        name, word = entity.part
        path = (name, word, "{id}") if name == "Timesheet" else (name, "{id}", word)
        calls.append(f"`GET {'/'.join(path)}`")
    return calls


def test_every_stream_is_in_the_table() -> None:
    rows = [row.split(" | ") for row in rows_under("Streams")]
    expected = [["| `customers`", "`GET Customer`", ""]]
    for entity in {entity.name: entity for entity in ENTITY_OF.values()}.values():
        names = ", ".join(f"`{stream}`" for stream in entity.streams)
        carried = ", ".join(f"`{name}`" for name in entity.carried if entity.name != "Organisation")
        expected.append([f"| {names}", ", ".join(calls_for(entity.streams[0])), carried])
    assert [row[:3] for row in rows] == expected, "renew the table under Streams in sandbox/README.md"


def test_what_no_source_shows_is_in_the_records() -> None:
    world = World(seed=7, learners=10, organisations=1)
    for row in rows_under("Streams")[1:]:
        stream, *_ = re.findall(r"`(\w+)`", row)
        guessed = set(re.findall(r"`(\w+)`", row.split(" | ")[3]))
        assert guessed <= world.get(stream, world.ids(stream)[0]).keys(), stream


def test_every_option_is_told() -> None:
    for action in _parser()._actions:
        assert any(f"`{option}" in README for option in action.option_strings), action.option_strings
