"""About how many calls a full run makes, told before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_onefile.errors import NotFound, Refused
from tap_onefile.reads import Search
from tap_onefile.streams.organisations import CustomerStream, OrganisationStream
from tap_onefile.streams.qualifications import Units

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_onefile.streams.base import OneFileStream

_SAMPLE = 2
"""Organisations that are counted; the others are taken to be like them."""

_CALLS_FOR_EACH_STANDARD = 2


def estimate(streams: Collection[OneFileStream], customer: int, organisations: Collection[int]) -> int:
    """Estimate the calls of a full run.

    Args:
        streams: The streams that are selected.
        customer: The id of the customer.
        organisations: The ids of the organisations that will be read.

    Returns:
        The calls, for the first login and the list of organisations too.
    """
    sample = list(organisations)[:_SAMPLE]
    share = len(organisations) / len(sample) if sample else 0.0
    calls = 4.0
    for stream in streams:
        if isinstance(stream, OrganisationStream):
            calls += share * sum(_calls(stream, {"OrganisationID": organisation}) for organisation in sample)
        elif isinstance(stream, CustomerStream):
            calls += _calls(stream, {"CustomerID": customer})
        elif isinstance(stream, Units):
            standards = stream.onefile.list_all(Search.of("Standard", {"CustomerID": customer}, stream.name))
            calls += _CALLS_FOR_EACH_STANDARD * len(standards)
    return round(calls)


def in_words(calls: int, calls_per_minute: int) -> str:
    """Say what a run costs.

    Args:
        calls: The calls.
        calls_per_minute: The budget; 0 for none.

    Returns:
        A sentence.
    """
    sentence = f"A full run of the selected streams makes about {calls} calls"
    if not calls_per_minute:
        return f"{sentence}."
    minutes = calls / calls_per_minute
    took = "less than a minute" if minutes < 1 else f"about {minutes:.0f} minutes"
    return f"{sentence}: {took} at {calls_per_minute} calls a minute."


def _calls(stream: OneFileStream, context: Mapping[str, int]) -> int:
    try:
        return stream.estimate_calls(context)
    except (NotFound, Refused):
        return 1
