"""No spelling of OneFile's costs the shaper much more than another, and neither do fields that nobody knows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tap_onefile.records.convert import kind_of
from tap_onefile.records.privacy import Privacy
from tap_onefile.records.shaper import Shaper
from tap_onefile.reporting.problems import Problems
from tap_onefile.streams.people import Learners

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = dict[str, Any]

ROUNDS = 60
"""The least of so many short measurements is the same on an idle machine each time."""
MOST_ROUNDS = 1200
"""On a busy one it takes more of them, and no number of them hides a cliff."""
RULES = Learners.schema["properties"]
ORDINARY = {"integer": 900_001, "number": 12.5, "string": "text", "boolean": True, "array": ["4"]}


def learners(ending: str = "Z", extra: Mapping[str, str] | None = None) -> list[Row]:
    """Make a hundred rows with all fields."""
    return [
        {
            name: ORDINARY.get(
                kind_of(rule), f"2024-0{place % 9 + 1}-{number % 28 + 1:02}T{number % 24:02}:30:12{ending}"
            )
            for place, (name, rule) in enumerate(RULES.items())
        }
        | dict(extra or {})
        for number in range(100)
    ]


USUAL = learners()
LIMITS: dict[str, tuple[list[Row], float]] = {
    "milliseconds": (learners(".150Z"), 1.5),
    "seven digits": (learners(".1500000Z"), 1.5),
    "one digit": (learners(".1Z"), 1.5),
    "no offset": (learners(""), 1.5),
    "no offset, two digits": (learners(".15"), 1.5),
    "no offset, seven digits": (learners(".1500000"), 1.5),
    "an offset": (learners("+01:00"), 1.7),
    "no offset where there is no value": (
        [{**row, "DOB": "0001-01-01T00:00:00"} if place % 10 == 0 else row for place, row in enumerate(USUAL)],
        1.2,
    ),
    "now an offset, now none": (
        [each for pair in zip(learners("+01:00"), USUAL, strict=True) for each in pair][:100],
        1.9,
    ),
    "ids as text": (
        [{name: str(value) if type(value) is int else value for name, value in row.items()} for row in USUAL],
        1.7,
    ),
    "whole numbers with a point": (
        [{name: float(value) if type(value) is int else value for name, value in row.items()} for row in USUAL],
        1.7,
    ),
    "ten unknown fields": (learners(extra={f"Field{number}": "text" for number in range(10)}), 1.45),
    "nothing but null": ([{**dict.fromkeys(row), "ID": 1} for row in USUAL], 1.2),
    "nothing but empty text": ([{**dict.fromkeys(row, ""), "ID": 1} for row in USUAL], 1.7),
}
"""Rows, and how many times as much as the usual ones they may cost; the marks leave room for other machines."""


@pytest.mark.parametrize("spelling", LIMITS)
def test_no_spelling_is_a_cliff(spelling: str) -> None:
    rows, limit = LIMITS[spelling]
    shaper = Shaper("learners", Learners.schema, ["ID"], Problems(), privacy=Privacy(special_category=True))
    least = {id(each): float("inf") for each in (USUAL, rows)}
    for number in range(MOST_ROUNDS):
        if number >= ROUNDS and least[id(rows)] / least[id(USUAL)] < limit:
            break
        for each in (USUAL, rows):
            began = time.thread_time()
            shaper.shape(each, {"OrganisationID": 1, "Role": 1})
            least[id(each)] = min(least[id(each)], time.thread_time() - began)

    assert least[id(rows)] / least[id(USUAL)] < limit
