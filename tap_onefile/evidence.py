"""How sure it is that OneFile sends a field, and where that is shown.

OneFile publishes no reference of its answers, so each field has the mark of what it was learnt from. The marks are in
the catalog and in the documentation, for whoever has to decide what to build upon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from singer_sdk import typing as th

CERTAINTY = "x-onefile-certainty"
"""The schema keyword that tells how sure a field is."""

SOURCE = "x-onefile-source"
"""The schema keyword that tells where a field is shown."""

DOCUMENTED = "documented"
"""OneFile's own help says that answers have it."""
SEEN = "seen"
"""Two or more independent programs read it from answers."""
SEEN_ONCE = "seen once"
"""One program reads it from answers."""
EXPECTED = "expected"
"""It is shown for writing, or in the nightly export, so that answers can be expected to have it."""
GUESSED = "guessed"
"""Nothing shows it: a guess after similar records, or after the screens."""
OURS = "from the tap"
"""The tap fills it in from what it asked for, or makes it."""

MARKS = {
    DOCUMENTED: "OneFile's own help says that answers have it.",
    SEEN: "Two or more independent programs read it from answers.",
    SEEN_ONCE: "One program reads it from answers.",
    EXPECTED: "It is shown for writing, or in OneFile's nightly export, so answers can be expected to have it.",
    GUESSED: "Nothing shows it: a guess after similar records, or after the screens.",
    OURS: "The tap fills it in from what it asked for, or makes it.",
}
"""What each mark means, surest first."""


@dataclass(frozen=True)
class Evidence:
    """How some fields are known."""

    certainty: str
    """One of the marks."""
    source: str
    """Where they are shown."""


INITIAL_DOWNLOAD = Evidence(DOCUMENTED, "help article 76000048013")
CLIENTS = Evidence(SEEN, "public clients")
CLIENT = Evidence(SEEN_ONCE, "a public client")
USERS = Evidence(EXPECTED, "help article 76000037051")
LIKE_LEARNERS = Evidence(EXPECTED, "learners' records")
FRAMEWORKS = Evidence(EXPECTED, "help article 76000037063")
TRACKER = Evidence(EXPECTED, "help article 76000057528")
WRITTEN = Evidence(EXPECTED, "what a public client writes")
EXPORT = Evidence(EXPECTED, "the nightly CSV export")
UNDER_OTHER_NAMES = Evidence(GUESSED, "a product that reads it by a name not shown")
SIMILAR = Evidence(GUESSED, "similar records")
SEARCH = Evidence(OURS, "what was asked for")


def known(evidence: Evidence, *properties: th.Property[Any]) -> list[th.Property[Any]]:
    """Say of some fields how they are known.

    Args:
        evidence: How.
        properties: The fields.

    Returns:
        The fields, with the two keywords.
    """
    for each in properties:
        each.kwargs |= {CERTAINTY: evidence.certainty, SOURCE: evidence.source}
    return list(properties)
